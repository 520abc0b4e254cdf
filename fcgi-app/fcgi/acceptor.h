// Takes connections from the listening socket, and knows which failures pass by themselves.
//
// One descriptor is kept spare. When the process or the machine has no other, a connection is taken
// with it and closed: the gateway then goes on to another worker at once, rather than wait here.
#pragma once

#include "base/unique_fd.h"

namespace sluice::fcgi {

class Acceptor {
 public:
  // `listener` is a listening, non-blocking socket.
  explicit Acceptor(UniqueFd listener);

  [[nodiscard]] const UniqueFd& listener() const { return listener_; }

  struct Accepted {
    UniqueFd socket;       // non-blocking; empty if there is none to serve
    int error = 0;         // why not, as errno; 0: none waits, or it went away meanwhile
    bool refused = false;  // with an error: one was taken and closed, and the next may be tried
  };
  [[nodiscard]] Accepted accept();

 private:
  [[nodiscard]] UniqueFd take() const;
  [[nodiscard]] Accepted refuse(int error);

  UniqueFd listener_;
  UniqueFd spare_;
};

}  // namespace sluice::fcgi
