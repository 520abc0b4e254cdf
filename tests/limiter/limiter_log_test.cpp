// What the limiter logs of a caller: enough to find it, and nothing that it only claims.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "limiter/limiter.h"
#include "manual_clock.h"
#include "region_memory.h"
#include "run_task.h"
#include "store/memory/memory_store.h"

namespace sluice::limiter {
namespace {

using std::chrono::seconds;

class LimiterLogTest : public testing::Test {
 public:
  ~LimiterLogTest() override {
    for (const int end : pipe_) close(end);
  }

 protected:
  // The fields after the pid of the only line.
  std::string logged() {
    std::array<char, 4096> buffer{};
    const ssize_t size = read(pipe_[0], buffer.data(), buffer.size());
    const std::string text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    EXPECT_EQ(text.find("ababab"), std::string::npos) << "a session's id: " << text;
    const std::size_t pid = text.find("\"pid\":");
    return pid == std::string::npos ? text : text.substr(text.find(',', pid) + 1);
  }

  // Asks until it is locked out.
  void lock_out(const identity::Identity& identity) {
    for (int i = 0; i < 4; ++i) (void)ask(identity, by_address_);
  }

  limits::Decision ask(const identity::Identity& identity, const limits::Limit& limit) {
    const limits::LimitSet set{&limit};
    return run_now(limiter_.decide(set, identity, "chat", 1));
  }

  static identity::Identity caller(Standing standing, bool has_session, bool has_key) {
    identity::Identity identity;
    identity.address = "4:7f000001";
    identity.tenant = "acme";
    identity.standing = standing;
    if (has_key) {
      identity.api_key = "k1";
      identity.user = "alice";
    }
    if (has_session) {
      identity.session.emplace();
      identity.session->fill(0xab);
    }
    return identity;
  }

  static limits::Limit one(limits::Scope scope) {
    limits::Limit limit{.name = "one", .rate = {1, {10, limits::Unit::kSecond}}};
    limit.scope = std::move(scope);
    return limit;
  }

  static std::array<int, 2> open_pipe() {
    std::array<int, 2> pipe{};
    EXPECT_EQ(pipe2(pipe.data(), O_NONBLOCK | O_CLOEXEC), 0);
    return pipe;
  }

  std::array<int, 2> pipe_ = open_pipe();
  ManualClock clock_;
  telemetry::Log log_{pipe_[1], clock_, {}};
  store::MemoryStore store_{clock_, {}};
  limits::Limit by_address_ = one(limits::Fact::kIp);
  limits::Limit by_session_ = one(limits::Fact::kSession);
  NewcomerMemory newcomers_;
  Limiter limiter_{store_,
                   clock_,
                   newcomers_,
                   {.newcomers = {.per_tenant = 1, .per_network = 0},
                    .penalty = {.after = 1, .first = seconds(60)}},
                   &log_};
};

TEST_F(LimiterLogTest, ALockOutNamesTenantUserAndKeyWhereTheyAreProved) {
  const std::vector<std::pair<identity::Identity, std::string>> rows{
      {caller(Standing::kAnonymous, false, false),
       R"("tenant":"","user":"","api_key":"","address":"127.0.0.1","seconds":"60"})"},
      {caller(Standing::kPartial, true, false),
       R"("tenant":"acme","user":"","api_key":"","address":"127.0.0.1","seconds":"60"})"},
      {caller(Standing::kPartial, false, true),
       R"("tenant":"acme","user":"alice","api_key":"k1","address":"127.0.0.1","seconds":"60"})"}};
  for (const auto& [identity, fields] : rows) {
    lock_out(identity);
    EXPECT_EQ(logged(), fields + "\n");
    clock_.advance(std::chrono::hours(24));
  }
}

TEST_F(LimiterLogTest, ALockOutOfWhoIsKnownIsOfNoAddress) {
  by_address_ = one(limits::Fact::kSession);
  lock_out(caller(Standing::kKnown, true, true));
  EXPECT_EQ(logged(),
            R"("tenant":"acme","user":"alice","api_key":"k1","address":"","seconds":"60"})"
            "\n");
}

TEST_F(LimiterLogTest, ACrowdNamesWhoJoinedIt) {
  identity::Identity first = caller(Standing::kKnown, true, false);
  first.session->fill(1);
  EXPECT_FALSE(ask(first, by_session_).crowded);
  EXPECT_TRUE(ask(caller(Standing::kKnown, false, true), by_session_).crowded);
  EXPECT_EQ(logged(), R"("tenant":"acme","user":"alice","api_key":"k1","address":""})"
                      "\n");
  clock_.advance(seconds(120));
  first.session->fill(2);
  EXPECT_FALSE(ask(first, by_session_).crowded);
  EXPECT_TRUE(ask(caller(Standing::kAnonymous, false, false), by_session_).crowded);
  EXPECT_EQ(logged(), R"("tenant":"","user":"","api_key":"","address":"127.0.0.1"})"
                      "\n");
}

}  // namespace
}  // namespace sluice::limiter
