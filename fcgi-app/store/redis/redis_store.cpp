#include "store/redis/redis_store.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/append.h"
#include "store/redis/call_count.h"
#include "store/redis/take_call.h"
#include "telemetry/task_failures.h"

namespace sluice::store {
namespace {

using limits::Decision;

// Decisions in one call at most: Redis serves nobody else meanwhile, for each limit of each some 3
// microseconds, and 400 for a full sliding log of 10,000 units.
constexpr std::size_t kMaxBatch = 64;

// What to do about an error reply, by its first word. What is not listed makes no sense: who says
// it is no Redis that counts, or its replies have come out of step.
enum class Remedy { kSendScript, kAskAgain, kUnavailable, kReconnect, kFault, kNonsense };
constexpr std::array<std::pair<std::string_view, Remedy>, 16> kRemedies{{
    {"NOSCRIPT", Remedy::kSendScript},     // restarted, or SCRIPT FLUSH
    {"CALENDAR", Remedy::kAskAgain},       // take.lua's own: our clock is far from Redis's
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
    {"ERR", Remedy::kFault},        // a bug of ours
    {"WRONGTYPE", Remedy::kFault},  // a key that somebody else wrote
}};

Remedy remedy_for(std::string_view error) {
  for (const auto& [word, remedy] : kRemedies) {
    if (word == redis::first_word(error)) return remedy;
  }
  return Remedy::kNonsense;
}

bool must_ask_again(const Error& error) {
  return remedy_for(error.detail) == Remedy::kAskAgain;
}

// A peek writes nothing, and neither does a limit in shadow mode that has no room.
bool has_written(const Decision& decision, const limits::Ask& ask) {
  if (!decision.allowed) return false;
  for (std::size_t i = 0; i < ask.charges.size(); ++i) {
    if (ask.charges[i].cost > 0 && !decision.lacks_room(i)) return true;
  }
  return ask.sets_bars();
}

// Whether Redis has to be sent the script's text.
bool is_forgotten(const Result<redis::Reply>& reply) {
  if (!reply) return false;
  const auto error = redis::error_in(*reply);
  return error && remedy_for(*error) == Remedy::kSendScript;
}

}  // namespace

struct RedisStore::Join {
  RedisStore& store;
  Waiting& waiting;

  Join(RedisStore& joined, Waiting& decision, std::optional<TimePoint> now)
      : store(joined), waiting(decision) {
    if (store.batch_.waiting.size() >= kMaxBatch || store.batch_.now != now) store.flush();
    store.batch_.now = now;
  }
  ~Join() {
    if (waiting.resume) store.leave(waiting);
  }
  Join(const Join&) = delete;
  Join& operator=(const Join&) = delete;
  [[nodiscard]] bool await_ready() const { return store.link_.is_down(); }
  void await_suspend(std::coroutine_handle<> handle) const {
    store.batch_.waiting.push_back(&waiting);
    waiting.resume = handle;
  }
  void await_resume() const {}
};

RedisStore::RedisStore(loop::Loop& loop, redis::Link& link, telemetry::Log& log)
    : loop_(loop),
      link_(link),
      log_(log),
      end_of_turn_(loop, [this] { flush(); }),
      tasks_(telemetry::log_failures(log)) {}

Task<Result<Decision>> RedisStore::take(limits::Ask ask, std::optional<TimePoint> now) {
  const auto deadline = link_.deadline();
  Waiting waiting{ask};
  co_await Join(*this, waiting, now);
  // Nothing was charged, and what was wrong is known now: once more.
  if (!waiting.result && must_ask_again(waiting.result.error()) && loop_.now() < deadline) {
    waiting = Waiting{ask};
    co_await Join(*this, waiting, now);
    if (!waiting.result && must_ask_again(waiting.result.error())) {
      waiting.result = tl::unexpected(on_nonsense(waiting.result.error().detail));
    }
  }
  const bool is_refused =
      !waiting.result && waiting.result.error().code == ErrorCode::kStoreUnavailable;
  if (is_refused) link_.report_refused();
  co_return std::move(waiting.result);
}

// Before the call has left the decision is not charged, as nobody will serve it.
void RedisStore::leave(Waiting& waiting) {
  if (!waiting.batch) {
    std::erase(batch_.waiting, &waiting);
    return;
  }
  Batch& batch = *waiting.batch;
  const auto place = std::find(batch.waiting.begin(), batch.waiting.end(), &waiting);
  *place = &batch.gone.emplace_back(waiting).waiting;
}

// What is asked belongs to the caller, so these are copies.
RedisStore::Gone::Gone(const Waiting& left) : bars(left.ask.bars.begin(), left.ask.bars.end()) {
  limits.reserve(left.ask.charges.size());
  for (const limits::Charge& charge : left.ask.charges) {
    limits.push_back(*charge.limit);
    charges.push_back(charge);
    charges.back().limit = &limits.back();
  }
  if (left.ask.mark) mark = *left.ask.mark;
  waiting.ask = {charges, bars, mark ? &*mark : nullptr};
}

Task<Result<std::int64_t>> RedisStore::reset(std::span<const std::string> keys) {
  std::vector<std::string_view> arguments{"DEL"};
  arguments.insert(arguments.end(), keys.begin(), keys.end());
  const auto reply = co_await command(arguments);
  if (!reply) co_return tl::unexpected(reply.error());
  const auto count = redis::integer_in(*reply);
  if (!count) co_return tl::unexpected(on_nonsense("DEL"));
  co_return *count;
}

// MGET, as workers need no right to GET; and it finds nothing under a key that is no string.
Task<Result<std::optional<std::string>>> RedisStore::read(std::string_view key) {
  const std::array<std::string_view, 2> arguments{"MGET", key};
  const auto reply = co_await command(arguments);
  if (!reply) co_return tl::unexpected(reply.error());
  const auto text = redis::only_text_in(*reply);
  if (!text) co_return tl::unexpected(on_nonsense("MGET"));
  if (!*text) co_return std::nullopt;
  co_return std::string(**text);
}

// One command, and a reply that is no error.
Task<Result<redis::Reply>> RedisStore::command(std::span<const std::string_view> arguments) {
  const auto deadline = link_.deadline();
  redis::Wire* const wire = co_await link_.opened(deadline);
  if (!wire) co_return fail(ErrorCode::kStoreUnavailable);
  auto reply = co_await wire->command(arguments, deadline);
  if (!reply) co_return tl::unexpected(reply.error());
  if (const auto error = redis::error_in(*reply)) co_return tl::unexpected(on_error_reply(*error));
  co_return reply;
}

void RedisStore::flush() {
  if (batch_.waiting.empty()) return;
  tasks_.start("send a batch", send(std::exchange(batch_, {})));
  if (redis::Wire* wire = link_.wire()) wire->flush();
}

// Whatever happens, those who wait are answered. The script runs by its SHA1, and once more by its
// text where Redis has forgotten it: that reply says that nothing ran, so nothing is charged twice.
Task<void> RedisStore::send(Batch batch) {
  for (Waiting* waiting : batch.waiting) waiting->batch = &batch;
  std::exception_ptr failure;
  try {
    const auto deadline = link_.deadline();
    auto reply = co_await evaluate(batch, deadline, "EVALSHA");
    if (is_forgotten(reply)) {
      if (auto* const counters = link_.counters()) {
        counters->add(telemetry::Counters::of(telemetry::Total::kScriptSent));
      }
      reply = co_await evaluate(batch, deadline, "EVAL");
    }
    read_results(batch, reply);
  } catch (...) {
    failure = std::current_exception();
    for (Waiting* waiting : batch.waiting) waiting->result = fail(ErrorCode::kStoreUnavailable);
  }
  answer(batch);
  if (failure) std::rethrow_exception(failure);
}

// Those who go away before there is a wire leave the batch. From there to the command nobody can
// go, and later none of the keys is read again.
Task<Result<redis::Reply>> RedisStore::evaluate(Batch& batch, loop::Milliseconds deadline,
                                                std::string_view command) {
  redis::Wire* const wire = co_await link_.opened(deadline);
  std::erase_if(batch.waiting, [](const Waiting* waiting) { return !waiting->resume; });
  batch.gone.clear();
  if (!wire || batch.waiting.empty()) co_return fail(ErrorCode::kStoreUnavailable);
  TakeArgument argument(batch.now, link_.clock().now());
  for (const Waiting* waiting : batch.waiting) argument.add(waiting->ask);
  const std::string key_count = number_text(static_cast<std::int64_t>(argument.key_count()));
  const std::string packed = argument.text();
  const bool by_text = command == "EVAL";
  std::vector<std::string_view> arguments;
  arguments.reserve(4 + argument.key_count());
  arguments.assign({command, by_text ? link_.script().text() : link_.script().sha(), key_count});
  argument.append_keys(arguments);
  arguments.emplace_back(packed);
  const CallCount counting(link_.counters(), batch.waiting.size());
  auto reply = co_await wire->command(arguments, deadline);
  co_return reply;
}

// What take() is to return for each decision of the batch.
void RedisStore::read_results(const Batch& batch, const Result<redis::Reply>& reply) {
  const auto fail_all = [&](const Error& error) {
    for (Waiting* waiting : batch.waiting) waiting->result = tl::unexpected(error);
  };
  if (!reply) return fail_all(reply.error());
  if (const auto error = redis::error_in(*reply)) return fail_all(on_error_reply(*error));
  TakeReply answers(redis::text_in(*reply).value_or(""));
  const TimePoint at = answers.at();
  for (Waiting* waiting : batch.waiting) waiting->result = answers.decision(at, waiting->ask);
  if (!answers.is_whole()) return fail_all(on_nonsense("EVALSHA"));
  if (!batch.now) link_.learn_time(at);
  bool wrote = false;
  for (Waiting* waiting : batch.waiting) {
    if (waiting->result) {
      wrote = wrote || has_written(*waiting->result, waiting->ask);
    } else {
      waiting->result = tl::unexpected(on_error_reply(waiting->result.error().detail));
    }
  }
  if (wrote && !link_.is_down()) link_.report_serving();
}

// A resumed coroutine ends with its Waiting, and may take again: it joins the next batch.
void RedisStore::answer(const Batch& batch) {
  for (Waiting* waiting : batch.waiting) {
    if (waiting->resume) std::exchange(waiting->resume, nullptr).resume();
  }
}

Error RedisStore::on_error_reply(std::string_view text) {
  const Remedy remedy = remedy_for(text);
  if (remedy != Remedy::kNonsense && remedy != Remedy::kAskAgain) {
    link_.count(telemetry::StoreFault::kError);
  }
  if (remedy == Remedy::kFault) return fault(text);
  if (remedy == Remedy::kNonsense) return on_nonsense(text.empty() ? "an empty error" : text);
  if (remedy != Remedy::kAskAgain) link_.report_refusing(text);
  if (remedy == Remedy::kReconnect) link_.drop(std::string(text));
  return {ErrorCode::kStoreUnavailable, std::string(text)};
}

// `what` was said, or the command that was answered.
Error RedisStore::on_nonsense(std::string_view what) {
  const std::string why = fmt::format("{}: a reply that makes no sense", what);
  link_.count(telemetry::StoreFault::kNonsense);
  link_.drop(why);
  return {ErrorCode::kStoreUnavailable, why};
}

Error RedisStore::fault(std::string_view text) {
  last_fault_ = text;
  const TimePoint now = SystemClock().now();
  if (!fault_logged_at_ || now - *fault_logged_at_ > std::chrono::minutes(1)) {
    log_.error("store fault", {{"reply", text}});
    fault_logged_at_ = now;
  }
  return {ErrorCode::kStoreFault, std::string(text)};
}

}  // namespace sluice::store
