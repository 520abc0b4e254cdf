// One call of take.lua, as bytes: what goes in, and what comes out. The script's head has the
// format.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "limits/bucket.h"
#include "limits/charge.h"
#include "store/redis/guard_hints.h"

namespace sluice::store::redis {

// The script's errors where it needs guards, or the key of a shared bucket, that were left out.
inline constexpr std::string_view kGuardsLacking = "GUARDS";
inline constexpr std::string_view kSharedLacking = "SHARED";

// The keys and the one argument: of all decisions the keys and limits, each once, and the charges.
// All buckets are added first, then the decisions.
class TakeArgument {
 public:
  // `now` is for tests; `estimate` is about what time the script will have, for the calendar.
  TakeArgument(std::optional<TimePoint> now, TimePoint estimate)
      : now_(now), estimate_(now.value_or(estimate)) {}

  // The charges outlive this object.
  void add_buckets(std::span<const limits::Charge> charges);
  void add_decision(std::span<const limits::Charge> charges, const GuardHints& hints);
  [[nodiscard]] std::vector<std::string_view> keys() const;
  [[nodiscard]] std::string text() const;

 private:
  struct Keys {
    std::vector<std::string_view> list;
    std::unordered_map<std::string_view, std::size_t> numbers;  // from 1

    [[nodiscard]] std::size_t number_of(std::string_view key);
  };

  void add_guards(const limits::Charge& charge, const GuardHints& hints);
  [[nodiscard]] std::size_t number_of(const limits::Limit& limit);

  std::optional<TimePoint> now_;
  TimePoint estimate_;
  Keys keys_;
  std::size_t bucket_count_ = 0;  // of them, those of add_buckets()
  Keys asked_keys_;               // of holds that are only asked after
  std::vector<std::string> limits_;
  std::string decisions_;
};

// The reply, read from the front: at() first, then each decision in turn.
class TakeReply {
 public:
  explicit TakeReply(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] TimePoint at();
  // The error is the text that Redis had for the script, or says that the reply is none that the
  // script makes; its code is not set.
  [[nodiscard]] Result<limits::Decision> decision(TimePoint at,
                                                  std::span<const limits::Charge> charges);
  // Which of the two ended the reply, if one did: it is the error of that decision and of all
  // after.
  [[nodiscard]] std::string_view ended_by() const { return ended_by_; }
  // Whether all that was asked for was there, and made sense.
  [[nodiscard]] bool good() const { return good_; }
  // Whether besides the time is one, and there is no more. Otherwise none of it is to be believed.
  [[nodiscard]] bool is_whole() const { return good_ && has_time_ && rest_.empty(); }

 private:
  template <class Stored>
  Stored next();
  [[nodiscard]] limits::View view(limits::Algorithm algorithm);

  std::string_view rest_;
  bool good_ = true;
  bool has_time_ = false;
  std::string_view ended_by_;
};

}  // namespace sluice::store::redis
