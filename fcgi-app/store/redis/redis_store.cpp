#include "store/redis/redis_store.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <hiredis.h>

namespace sluice::store::redis {
namespace {

static_assert(std::endian::native == std::endian::little, "take.lua reads and writes '<i8'");

using limits::Charge;
using limits::Decision;

// Decisions in one call at most: Redis serves nobody else meanwhile, some 5 microseconds for each.
constexpr std::size_t kMaxBatch = 64;

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

// The one argument of take.lua.
class PackedIntegers {
 public:
  void add(std::int64_t number) {
    std::array<char, sizeof number> bytes{};
    std::memcpy(bytes.data(), &number, sizeof number);
    text_.append(bytes.data(), bytes.size());
  }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string text_;
};

// take.lua's reply, read from the front.
class ReplyReader {
 public:
  explicit ReplyReader(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_STRING) rest_ = {reply.str, reply.len};
  }

  // The next integer; 0 where there is none, which good() then tells.
  std::int64_t next() {
    std::int64_t number = 0;
    good_ = good_ && rest_.size() >= sizeof number;
    if (!good_) return 0;
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_.remove_prefix(sizeof number);
    return number;
  }
  // The next `size` bytes, or all that are left.
  std::string_view text(std::int64_t size) {
    const std::string_view front = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(front.size());
    return front;
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

// The script's word on one decision; 0 is a denial.
constexpr std::int64_t kAllowed = 1;
constexpr std::int64_t kFailed = -1;

// The error is the text that Redis had for the script; the code is not set.
Result<Decision> read_decision(ReplyReader& reader, TimePoint at, std::span<const Charge> charges) {
  const std::int64_t verdict = reader.next();
  if (verdict == kFailed) return fail({}, std::string(reader.text(reader.next())));
  Decision decision{.allowed = verdict == kAllowed,
                    .store = limits::StoreState::kAnswered,
                    .at = at,
                    .limits = {},
                    .balances = {}};
  decision.limits.reserve(charges.size());
  decision.balances.reserve(charges.size());
  for (const Charge& charge : charges) {
    const std::int64_t remaining = reader.next();
    const Duration reset_after(reader.next());
    const std::int64_t retry_after = reader.next();
    decision.limits.push_back(charge.limit);
    decision.balances.push_back(
        {remaining, reset_after, retry_after < 0 ? limits::kNever : Duration(retry_after)});
  }
  if (!reader.good()) return fail({}, "ERR the script's reply is cut short");
  return decision;
}

}  // namespace

struct RedisStore::Join {
  RedisStore& store;
  Waiting& waiting;

  [[nodiscard]] bool await_ready() const { return store.connection_.wire() == nullptr; }
  void await_suspend(std::coroutine_handle<> handle) const {
    waiting.resume = handle;
    store.batch_.waiting.push_back(&waiting);
  }
  void await_resume() const {}
};

RedisStore::RedisStore(loop::Loop& loop, Connection& connection, telemetry::Log& log)
    : connection_(connection), log_(log), end_of_turn_(loop, [this] { flush(); }) {}

Task<Result<Decision>> RedisStore::take(std::span<const Charge> charges,
                                        std::optional<TimePoint> now) {
  if (batch_.waiting.size() >= kMaxBatch || batch_.now != now) flush();
  batch_.now = now;
  Waiting waiting{charges};
  co_await Join{*this, waiting};
  co_return std::move(waiting.result);
}

void RedisStore::flush() {
  if (batch_.waiting.empty()) return;
  start(send(std::exchange(batch_, {})));
  if (Wire* wire = connection_.wire()) wire->flush();
}

Task<void> RedisStore::send(Batch batch) {
  PackedIntegers numbers;
  numbers.add(batch.now ? microseconds_since_epoch(*batch.now) : 0);
  std::vector<std::string_view> arguments{"EVALSHA", "", ""};
  for (const Waiting* waiting : batch.waiting) {
    numbers.add(static_cast<std::int64_t>(waiting->charges.size()));
    for (const Charge& charge : waiting->charges) {
      arguments.emplace_back(charge.key);
      numbers.add(charge.limit->quota());
      numbers.add(charge.limit->window().count());
      numbers.add(charge.cost);
    }
  }
  const std::string key_count = fmt::to_string(arguments.size() - 3);
  arguments[2] = key_count;
  arguments.emplace_back(numbers.text());
  const auto reply = co_await evaluate(std::move(arguments));
  answer(batch, reply);
}

// Runs the script by its SHA1, and once more by its text where Redis has forgotten it: that reply
// says that nothing ran, so nothing is charged twice.
Task<Result<Reply>> RedisStore::evaluate(std::vector<std::string_view> arguments) {
  Wire* wire = connection_.wire();
  if (!wire) co_return fail(ErrorCode::kStoreUnavailable);
  arguments[1] = connection_.script_sha();
  const auto deadline = wire->deadline();
  auto reply = co_await wire->command(arguments, deadline);
  if (!reply || (*reply)->type != REDIS_REPLY_ERROR) co_return reply;
  if (remedy_for({(*reply)->str, (*reply)->len}) != Remedy::kSendScript) co_return reply;
  wire = connection_.wire();
  if (!wire) co_return fail(ErrorCode::kStoreUnavailable);
  arguments[0] = "EVAL";
  arguments[1] = connection_.script();
  auto second = co_await wire->command(arguments, deadline);
  co_return second;
}

// What take() is to return for each decision of the batch.
void RedisStore::read_results(const Batch& batch, const Result<Reply>& reply) {
  std::optional<Error> error;
  if (!reply) {
    error = reply.error();
  } else if ((*reply)->type == REDIS_REPLY_ERROR) {
    error = on_error_reply({(*reply)->str, (*reply)->len});
  }
  if (error) {
    for (Waiting* waiting : batch.waiting) waiting->result = tl::unexpected(*error);
    return;
  }
  ReplyReader reader(**reply);
  const TimePoint at{Duration(reader.next())};
  bool wrote = false;
  for (Waiting* waiting : batch.waiting) {
    if (auto decision = read_decision(reader, at, waiting->charges)) {
      wrote = wrote || (decision->allowed && !waiting->charges.empty());
      waiting->result = std::move(*decision);
    } else {
      waiting->result = tl::unexpected(on_error_reply(decision.error().detail));
    }
  }
  if (wrote) connection_.report_serving();
}

// A resumed coroutine ends with its Waiting, and may take again: it joins the next batch.
void RedisStore::answer(const Batch& batch, const Result<Reply>& reply) {
  read_results(batch, reply);
  for (const Waiting* waiting : batch.waiting) waiting->resume.resume();
}

Error RedisStore::on_error_reply(std::string_view text) {
  if (const auto remedy = remedy_for(text)) {
    connection_.report_refusing(text);
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
