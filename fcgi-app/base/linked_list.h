// LinkedList<T>: objects that live elsewhere, in an order; an object leaves its list when it goes.
//
// The links are in the objects, so nothing is allocated. The list and its objects may go in any
// order, also while somebody walks along: each takes itself out. One thread: no locks.
#pragma once

#include <type_traits>

namespace sluice {

// The base of what can be in a list: in one at a time.
class Linked {
 public:
  Linked() = default;
  ~Linked() { unlink(); }
  Linked(const Linked&) = delete;
  Linked& operator=(const Linked&) = delete;

  [[nodiscard]] bool is_linked() const { return next_ != this; }
  // Leaves the list that this is in, if any.
  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  template <class T>
  friend class LinkedList;

  void link_before(Linked& place) {
    next_ = &place;
    previous_ = place.previous_;
    previous_->next_ = place.previous_ = this;
  }

  // A ring: of the list itself and all in it.
  Linked* previous_ = this;
  Linked* next_ = this;
};

template <class T>
class LinkedList {
 public:
  [[nodiscard]] bool empty() const { return !ring_.is_linked(); }

  // REQUIRES: `object` is in no list.
  void push_back(T& object) {
    static_assert(std::is_base_of_v<Linked, T>);
    static_cast<Linked&>(object).link_before(ring_);
  }
  // Takes the first one out. REQUIRES: not empty().
  T& pop_front() {
    Linked& first = *ring_.next_;
    first.unlink();
    return static_cast<T&>(first);
  }

 private:
  Linked ring_;
};

}  // namespace sluice
