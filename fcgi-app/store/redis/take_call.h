// One call of take.lua, as bytes: what goes in, and what comes out. The script's head has the
// format.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "limits/bucket.h"
#include "limits/charge.h"

namespace sluice::store {

// The keys and the one argument: of all decisions the keys and limits, each once, and what is
// asked.
class TakeArgument {
 public:
  // `now` is for tests; `estimate` is about what time the script will have, for the calendar.
  TakeArgument(std::optional<TimePoint> now, TimePoint estimate)
      : now_(now), estimate_(now.value_or(estimate)) {
    for (std::string* bytes : {&limits_, &decisions_}) bytes->reserve(kUsualBytes);
  }

  // What `ask` refers to outlives this object.
  void add(const limits::Ask& ask);
  void append_keys(std::vector<std::string_view>& arguments) const;
  [[nodiscard]] std::size_t key_count() const {
    return buckets_.list().size() + bars_.list().size();
  }
  [[nodiscard]] std::string text() const;

 private:
  static constexpr std::size_t kUsualBytes = 128;  // for which memory is taken once

  // Keys, each once, and their numbers from 1 on.
  class Keys {
   public:
    [[nodiscard]] std::size_t number_of(std::string_view key);
    [[nodiscard]] const std::vector<std::string_view>& list() const { return list_; }

   private:
    [[nodiscard]] std::uint16_t& slot_of(std::string_view key);
    void grow();

    std::vector<std::string_view> list_;
    // By hash: the number of a key, or 0. At least twice as many as keys, a power of two.
    std::vector<std::uint16_t> slots_;
  };

  void add_mark(const limits::Ask& ask);
  [[nodiscard]] std::size_t number_of(const limits::Limit& limit);
  void append_limit(const limits::Limit& limit);

  std::optional<TimePoint> now_;
  TimePoint estimate_;
  Keys buckets_;
  Keys bars_;           // and marks
  std::string limits_;  // each as the script reads it
  std::vector<std::size_t> limit_ends_;
  std::string decisions_;
};

// The reply, read from the front: at() first, then each decision in turn.
class TakeReply {
 public:
  explicit TakeReply(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] TimePoint at();
  // The error is the text that Redis had for the script, or says that the reply is none that the
  // script makes; its code is not set, its detail is never empty.
  [[nodiscard]] Result<limits::Decision> decision(TimePoint at, const limits::Ask& ask);
  // Whether all that was asked for was there and made sense, and there is no more. Otherwise none
  // of it is to be believed.
  [[nodiscard]] bool is_whole() const { return good_ && rest_.empty(); }

 private:
  template <class Stored>
  Stored next();
  [[nodiscard]] limits::View view(limits::Algorithm algorithm);
  void read_bars(limits::Decision& decision, std::size_t count);

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace sluice::store
