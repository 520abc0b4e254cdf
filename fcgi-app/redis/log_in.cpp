#include "redis/log_in.h"

#include <array>
#include <vector>

#include <fmt/format.h>
#include <hiredis.h>

#include "base/digits.h"

namespace sluice::redis {

using telemetry::StoreFault;

namespace {

constexpr std::int64_t kEndOfTime = 253'402'300'800;  // in seconds: the year 10000

// What Redis has against `arguments`. Its words may hold the password by chance, or repeat it.
std::string refusal(Arguments arguments, std::string_view error) {
  std::string why(without_arguments(error));
  for (const std::string_view less : {first_word(why), std::string_view("refused")}) {
    if (arguments.front() != "AUTH" || why.find(arguments.back()) == std::string::npos) break;
    why = std::string(less);
  }
  return why;
}

// One step; a reply that is not of `type` closes the wire.
Task<Result<Reply>> ask(Wire& wire, Arguments arguments, int type) {
  auto reply = co_await wire.command(arguments);
  if (!reply || (*reply)->type == type) co_return reply;
  const auto error = error_in(*reply);
  const std::string why = error ? refusal(arguments, *error) : "a reply that makes no sense";
  wire.close({fmt::format("{}: {}", arguments.front(), why),
              error ? StoreFault::kError : StoreFault::kNonsense});
  co_return fail(ErrorCode::kStoreUnavailable);
}

}  // namespace

Task<bool> log_in(Wire& wire, const Uri& uri) {
  if (!uri.password.empty()) {
    std::vector<std::string_view> auth{"AUTH"};
    if (!uri.user.empty()) auth.emplace_back(uri.user);
    auth.emplace_back(uri.password);
    const auto reply = co_await ask(wire, auth, REDIS_REPLY_STATUS);
    if (!reply) co_return false;
  }
  if (uri.db != 0) {
    const std::string db = fmt::to_string(uri.db);
    const std::array<std::string_view, 2> select{"SELECT", db};
    const auto reply = co_await ask(wire, select, REDIS_REPLY_STATUS);
    if (!reply) co_return false;
  }
  co_return true;
}

Task<bool> load_script(Wire& wire, const Script& script) {
  const std::array<std::string_view, 3> load{"SCRIPT", "LOAD", script.text()};
  const auto loaded = co_await ask(wire, load, REDIS_REPLY_STRING);
  if (!loaded) co_return false;
  if (text_in(*loaded) == script.sha()) co_return true;
  wire.close({"SCRIPT: a reply that makes no sense", StoreFault::kNonsense});
  co_return false;
}

std::optional<TimePoint> time_in(const Reply& reply) {
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) return std::nullopt;
  std::array<std::int64_t, 2> parts{};  // seconds, and microseconds besides
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const redisReply& part = *reply->element[i];
    if (part.type != REDIS_REPLY_STRING) return std::nullopt;
    const auto number = parse_digits({part.str, part.len});
    if (!number || *number > kEndOfTime) return std::nullopt;
    parts[i] = *number;
  }
  return TimePoint(std::chrono::seconds(parts[0]) + Duration(parts[1]));
}

}  // namespace sluice::redis
