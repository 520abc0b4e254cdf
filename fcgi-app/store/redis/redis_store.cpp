#include "store/redis/redis_store.h"

#include <array>
#include <fmt/format.h>
#include <hiredis.h>

namespace sluice::store::redis {
namespace {

using limits::Balance;
using limits::Charge;
using limits::Decision;

// What to do about an error reply, by its first word. What is not listed is a fault: a bug of
// ours, or keys that somebody else wrote.
enum class Remedy { kSendScript, kUnavailable, kReconnect };
constexpr std::array<std::pair<std::string_view, Remedy>, 13> kRemedies{{
    {"NOSCRIPT", Remedy::kSendScript},     // restarted, or SCRIPT FLUSH
    {"LOADING", Remedy::kUnavailable},     // reading its file after a start
    {"BUSY", Remedy::kUnavailable},        // in somebody's long script
    {"MASTERDOWN", Remedy::kUnavailable},  // a replica without its master
    {"CLUSTERDOWN", Remedy::kUnavailable},
    {"TRYAGAIN", Remedy::kUnavailable},
    {"OOM", Remedy::kUnavailable},      // maxmemory, and noeviction as it should be
    {"MISCONF", Remedy::kUnavailable},  // cannot save, so refuses writes
    {"NOREPLICAS", Remedy::kUnavailable},
    {"NOAUTH", Remedy::kReconnect},  // a password was set meanwhile
    {"NOPERM", Remedy::kUnavailable},
    {"READONLY", Remedy::kReconnect},  // a replica now: ask the name service again
    {"UNKILLABLE", Remedy::kUnavailable},
}};

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find(' '));
}

std::optional<Remedy> remedy_for(std::string_view error) {
  for (const auto& [word, remedy] : kRemedies) {
    if (word == first_word(error)) return remedy;
  }
  return std::nullopt;
}

// EVALSHA and its arguments, as take.lua wants them. Owns the numbers' text.
class TakeCommand {
 public:
  TakeCommand(std::span<const Charge> charges, std::optional<TimePoint> now) {
    numbers_.reserve(2 + 3 * charges.size());  // views into it must stay
    arguments_.reserve(4 + 4 * charges.size());
    arguments_ = {"EVALSHA", ""};
    add_number(static_cast<std::int64_t>(charges.size()));
    for (const Charge& charge : charges) arguments_.emplace_back(charge.key);
    if (now) {
      add_number(microseconds_since_epoch(*now));
    } else {
      arguments_.emplace_back("");
    }
    for (const Charge& charge : charges) {
      add_number(charge.limit->quota());
      add_number(charge.limit->window().count());
      add_number(charge.cost);
    }
  }

  [[nodiscard]] const std::vector<std::string_view>& arguments() const { return arguments_; }

 private:
  void add_number(std::int64_t number) {
    arguments_.emplace_back(numbers_.emplace_back(fmt::to_string(number)));
  }

  std::vector<std::string> numbers_;
  std::vector<std::string_view> arguments_;
};

// nullopt unless the reply is what take.lua sends for these charges.
std::optional<Decision> read_decision(const redisReply& reply, std::span<const Charge> charges) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2 + 3 * charges.size()) {
    return std::nullopt;
  }
  const std::span<redisReply* const> elements(reply.element, reply.elements);
  for (const redisReply* element : elements) {
    if (element->type != REDIS_REPLY_INTEGER) return std::nullopt;
  }
  const auto integer = [&](std::size_t i) { return std::int64_t{elements[i]->integer}; };
  Decision decision{.allowed = integer(0) == 1,
                    .store = limits::StoreState::kAnswered,
                    .at = TimePoint(Duration(integer(1))),
                    .limits = {},
                    .balances = {}};
  decision.limits.reserve(charges.size());
  decision.balances.reserve(charges.size());
  for (std::size_t i = 0; i < charges.size(); ++i) {
    const std::int64_t retry_after = integer(4 + 3 * i);
    decision.limits.push_back(charges[i].limit);
    decision.balances.push_back({integer(2 + 3 * i), Duration(integer(3 + 3 * i)),
                                 retry_after < 0 ? limits::kNever : Duration(retry_after)});
  }
  return decision;
}

}  // namespace

Task<Result<Decision>> RedisStore::take(std::span<const Charge> charges,
                                        std::optional<TimePoint> now) {
  const TakeCommand command(charges, now);
  const auto reply = co_await evaluate(command.arguments());
  if (!reply) co_return fail(reply.error().code);
  if ((*reply)->type == REDIS_REPLY_ERROR) {
    co_return tl::unexpected(on_error_reply({(*reply)->str, (*reply)->len}));
  }
  auto decision = read_decision(**reply, charges);
  if (!decision) co_return tl::unexpected(on_error_reply("ERR unexpected reply"));
  co_return std::move(*decision);
}

// Runs the script by its SHA1, and once more by its text where Redis has forgotten it: that reply
// says that nothing ran, so nothing is charged twice.
Task<Result<Reply>> RedisStore::evaluate(std::vector<std::string_view> arguments) {
  Wire* wire = connection_.wire();
  if (!wire) co_return fail(ErrorCode::kStoreUnavailable);
  arguments[1] = connection_.script_sha();
  auto reply = co_await wire->command(arguments);
  if (!reply || (*reply)->type != REDIS_REPLY_ERROR) co_return reply;
  if (remedy_for({(*reply)->str, (*reply)->len}) != Remedy::kSendScript) co_return reply;
  wire = connection_.wire();
  if (!wire) co_return fail(ErrorCode::kStoreUnavailable);
  arguments[0] = "EVAL";
  arguments[1] = connection_.script();
  auto second = co_await wire->command(arguments);
  co_return second;
}

Error RedisStore::on_error_reply(std::string_view text) {
  if (const auto remedy = remedy_for(text)) {
    if (*remedy == Remedy::kReconnect) connection_.drop(std::string(text));
    return {ErrorCode::kStoreUnavailable, std::string(text)};
  }
  const TimePoint now = SystemClock().now();
  if (!fault_logged_at_ || now - *fault_logged_at_ > std::chrono::minutes(1)) {
    log_.error("store fault", {{"reply", text}});
    fault_logged_at_ = now;
  }
  return {ErrorCode::kStoreFault, std::string(text)};
}

}  // namespace sluice::store::redis
