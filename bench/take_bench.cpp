// What a take costs Redis, by its own account (INFO commandstats), per decision: every algorithm
// with 1, 2 and 4 limits, 1, 8 and 64 decisions at a time, beside a bare script of INCR and
// PEXPIRE.
//
// The decisions go through RedisStore, so that they travel as a worker's do. The time that Google
// Benchmark prints is Redis's, of one decision.
#include <array>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "conformance/redis_server.h"
#include "store/redis/redis_store.h"

namespace sluice {
namespace {

using limits::Algorithm;
using limits::Charge;
using limits::Limit;
using limits::Unit;

constexpr std::size_t kSessions = 500;
constexpr std::size_t kTenants = 5;
constexpr int kTurns = 200;  // per measurement

constexpr redis::Script kBareScript{
    "local n = redis.call('INCR', KEYS[1]) redis.call('PEXPIRE', KEYS[1], ARGV[1]) return n",
    "f47b333a3bd0cd0a009a083fe24adc7102e4a31d"};

class SystemLog {
 public:
  telemetry::Log& log() { return log_; }

 private:
  SystemClock clock_;
  telemetry::Log log_{-1, clock_, {}};
};

// A private Redis, and the store on it.
class Rig {
 public:
  explicit Rig(const redis::Script& script) {
    redis::Link::Options options;
    options.uri.path = server_.socket();
    options.wire.command_timeout = loop::Milliseconds(10'000);
    link_.emplace(loop_, log_.log(), options, script);
    link_->when_settled([this] { loop_.stop(); });
    loop_.run();
    store_.emplace(loop_, *link_, log_.log());
  }

  // Starts `count` tasks in one turn of the loop and waits for them all.
  template <class Start>
  void turn(std::size_t count, Start start_task) {
    left_ = count;
    for (std::size_t i = 0; i < count; ++i) tasks_.start("take", finish(start_task(i)));
    if (left_ > 0) loop_.run();
    if (!failure_.empty()) throw std::runtime_error(failure_);
  }

  // Microseconds that Redis spent in EVALSHA since the last call.
  double spent() {
    const std::string info = server_.command("INFO commandstats");
    server_.command("CONFIG RESETSTAT");
    const std::size_t at = info.find("cmdstat_evalsha:calls=");
    if (at == std::string::npos) return 0;
    return std::stod(info.substr(info.find("usec=", at) + 5));
  }

  store::RedisStore& store() { return *store_; }
  redis::Link& link() { return *link_; }

 private:
  template <class T>
  Task<void> finish(Task<T> task) {
    const auto result = co_await std::move(task);
    if (!result) throw std::runtime_error("Redis failed");
    if (--left_ == 0) loop_.stop();
  }

  RedisServer server_;
  SystemLog log_;
  loop::Loop loop_;
  std::optional<redis::Link> link_;
  std::optional<store::RedisStore> store_;
  std::size_t left_ = 0;
  std::string failure_;
  TaskGroup tasks_{[this](std::string_view /*name*/, std::string_view what) {
    failure_ = what;
    loop_.stop();
  }};
};

// What a request of a plan is charged to: its session by the second, its tenant by the minute and
// by the day, and its address. Nothing is ever denied. Where it is barred, whether the session was
// ended is asked, as the limiter does.
class Traffic {
 public:
  Traffic(Algorithm algorithm, std::size_t limit_count, bool barred)
      : limit_count_(limit_count), barred_(barred) {
    // At some 50,000 decisions a second a log has 10 units of a session and 1,000 of a tenant.
    const bool log = algorithm == Algorithm::kSlidingLog;
    for (const Unit unit : {Unit::kSecond, Unit::kMinute, Unit::kDay, Unit::kHour}) {
      const limits::Rate rate = log ? limits::Rate{limits::kMaxLogQuota, {100, Unit::kMillisecond}}
                                    : limits::Rate{limits::kMaxQuota, {10, unit}};
      limits_.push_back({.name = "limit", .rate = rate});
      limits_.back().algorithm = algorithm;
    }
  }

  std::vector<Charge> next() {
    const std::size_t session = next_++ % kSessions;
    const std::array<std::string, 4> keys{
        fmt::format("sluice:v3:{{t{}}}:chat:session:{:032x}", session % kTenants, session),
        fmt::format("sluice:v3:{{t{}}}:minute:tenant", session % kTenants),
        fmt::format("sluice:v3:{{t{}}}:day:tenant", session % kTenants),
        fmt::format("sluice:v3:{{t{}}}:address:ip:4:{:08x}", session % kTenants, session)};
    std::vector<Charge> charges;
    for (std::size_t i = 0; i < limit_count_; ++i) charges.push_back({keys.at(i), &limits_[i], 1});
    return charges;
  }
  // Of the session whose charges came last.
  std::vector<limits::Bar> bars() const {
    if (!barred_) return {};
    const std::size_t session = (next_ - 1) % kSessions;
    return {{fmt::format("sluice:v3:{{t{}}}:@ended:{:032x}", session % kTenants, session)}};
  }

 private:
  std::size_t limit_count_;
  bool barred_;
  std::size_t next_ = 0;
  std::vector<Limit> limits_;
};

void take(benchmark::State& state, Algorithm algorithm, bool barred) {
  Rig rig(store::kTakeScript);
  Traffic traffic(algorithm, static_cast<std::size_t>(state.range(0)), barred);
  const auto together = static_cast<std::size_t>(state.range(1));
  std::vector<std::vector<Charge>> charges(together);
  std::vector<std::vector<limits::Bar>> bars(together);
  const auto one_turn = [&] {
    for (std::size_t i = 0; i < together; ++i) {
      charges[i] = traffic.next();
      bars[i] = traffic.bars();
    }
    rig.turn(together, [&](std::size_t i) {
      return rig.store().take({charges[i], bars[i]}, std::nullopt);
    });
  };
  for (std::size_t i = 0; i < 2 * kSessions / together + 1; ++i) one_turn();
  rig.spent();
  for (auto _ : state) {
    for (int i = 0; i < kTurns; ++i) one_turn();
    state.SetIterationTime(rig.spent() / (kTurns * static_cast<double>(together)) / 1e6);
  }
}

void bare(benchmark::State& state) {
  Rig rig(kBareScript);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kSessions; ++i) keys.push_back(fmt::format("counter:{:032x}", i));
  const auto one_turn = [&] {
    rig.turn(64, [&](std::size_t i) -> Task<Result<redis::Reply>> {
      redis::Wire& wire = *rig.link().wire();
      const std::vector<std::string_view> arguments{"EVALSHA", rig.link().script().sha(), "1",
                                                    keys[i * 7 % kSessions], "10000000"};
      auto reply = co_await wire.command(arguments, wire.deadline());
      co_return reply;
    });
  };
  one_turn();
  rig.spent();
  for (auto _ : state) {
    for (int i = 0; i < kTurns; ++i) one_turn();
    state.SetIterationTime(rig.spent() / (kTurns * 64.0) / 1e6);
  }
}

void add_cases() {
  benchmark::RegisterBenchmark("bare", bare)
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark(
      "barred", [](benchmark::State& state) { take(state, Algorithm::kFixedWindow, true); })
      ->ArgNames({"limits", "together"})
      ->ArgsProduct({{1}, {1, 8, 64}})
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kMicrosecond);
  for (const auto& [name, algorithm] : limits::kAlgorithmNames) {
    const auto run = [algorithm](benchmark::State& state) { take(state, algorithm, false); };
    benchmark::RegisterBenchmark(std::string(name).c_str(), run)
        ->ArgNames({"limits", "together"})
        ->ArgsProduct({{1, 2, 4}, {1, 8, 64}})
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMicrosecond);
  }
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  sluice::add_cases();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
