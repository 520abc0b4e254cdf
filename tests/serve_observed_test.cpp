// Every request is counted once, whatever becomes of it.
#include <map>
#include <optional>
#include <stdexcept>

#include <gtest/gtest.h>

#include "gated_store.h"
#include "serve_fixture.h"

namespace sluice {
namespace {

using telemetry::Counters;
using telemetry::Names;
using telemetry::Total;

class BrokenStore final : public store::BucketStore {
 public:
  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask /*ask*/,
                                                    std::optional<TimePoint> /*now*/) override {
    throw std::runtime_error("broken");
  }
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view /*key*/) override {
    throw std::runtime_error("broken");
  }
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> /*keys*/) override {
    throw std::runtime_error("broken");
  }
};

class ServeObservedTest : public ServeFixture {
 protected:
  using Counts = std::map<std::string, std::uint64_t>;

  // What was counted since this was asked last: requests, as in "chat allowed", the totals, and
  // what is of limits, as in "chat defaults near".
  Counts counted() {
    Counters& counters = observer_.counters();
    Counts now;
    for (std::size_t i = 0; i <= Names::kOther; ++i) {
      const std::string route = counters.routes().text(i) + " ";
      for (std::size_t o = 0; o < telemetry::kOutcomes.size(); ++o) {
        const auto outcome = static_cast<telemetry::Outcome>(o);
        now[route + std::string(telemetry::kOutcomes.at(o))] =
            counters.sum(Counters::of_route(i, outcome));
      }
      const std::string limit = counters.limits().text(i) + " ";
      for (std::size_t e = 0; e < telemetry::kLimitEvents.size(); ++e) {
        const auto event = static_cast<telemetry::LimitEvent>(e);
        now[limit + std::string(telemetry::kLimitEvents.at(e))] +=
            counters.sum(Counters::of_limit(i, event));
      }
    }
    for (std::size_t i = 0; i < telemetry::kTotals.size(); ++i) {
      now[std::string(telemetry::kTotals.at(i))] =
          counters.sum(Counters::of(static_cast<Total>(i)));
    }
    Counts since;
    for (const auto& [name, count] : now) {
      if (count != before_[name]) since[name] = count - before_[name];
    }
    before_ = now;
    return since;
  }

  http::Response say() { return send("POST", "/chat", R"({"message":"hi"})"); }

  Counts before_;
};

TEST_F(ServeObservedTest, WhatIsAnsweredWithoutADecision) {
  EXPECT_EQ(send("GET", "/").status(), 200);
  EXPECT_EQ(counted(), (Counts{{"status allowed", 1}}));
  EXPECT_EQ(send("GET", "/nowhere").status(), 404);
  EXPECT_EQ(send("GET", "/chat").status(), 405);
  EXPECT_EQ(counted(), (Counts{{"other refused", 2}}));
  address_ = "192.0.2.1";
  EXPECT_EQ(say().status(), 403);
  EXPECT_EQ(counted(), (Counts{{"chat refused", 1}}));
}

TEST_F(ServeObservedTest, WhatTheLimitsAllowAndDeny) {
  EXPECT_EQ(say().status(), 200);
  EXPECT_EQ(counted(), (Counts{{"chat allowed", 1}, {"units", 1}}));
  EXPECT_EQ(say().status(), 200);
  EXPECT_EQ(say().status(), 429);
  EXPECT_EQ(counted(), (Counts{{"chat allowed", 1},
                               {"chat denied", 1},
                               {"chat defaults denied", 1},
                               {"chat defaults near", 1},
                               {"units", 1}}));
  EXPECT_EQ(own_limits().status(), 200);
  EXPECT_EQ(counted(), (Counts{{"limits allowed", 1}}));
}

TEST_F(ServeObservedTest, WhatAHandlerRefusesWasAllowed) {
  EXPECT_EQ(send("POST", "/chat", "{}").status(), 400);
  EXPECT_EQ(counted(), (Counts{{"chat allowed", 1}, {"units", 1}}));
}

TEST_F(ServeObservedTest, WhatIsChargedAndRefused) {
  EXPECT_EQ(chat("acme", "forged").status(), 401);
  EXPECT_EQ(counted(), (Counts{{"chat refused", 1}, {"units", 1}}));
  EXPECT_EQ(send("POST", "/chat", "{bad").status(), 400);
  EXPECT_EQ(counted(), (Counts{{"chat refused", 1}, {"units", 1}}));
  EXPECT_EQ(chat("acme", "forged").status(), 401);
  EXPECT_EQ(chat("acme", "forged").status(), 429);
  EXPECT_EQ(counted(), (Counts{{"chat refused", 1},
                               {"chat denied", 1},
                               {"probing defaults denied", 1},
                               {"probing defaults near", 1},
                               {"units", 1}}));
}

TEST_F(ServeObservedTest, AnEndedSessionIsDecidedTwiceAndCountedOnce) {
  const std::string session = open_session("acme");
  EXPECT_EQ(send("DELETE", "/session", "", {{"HTTP_X_SESSION_ID", session}}).status(), 204);
  EXPECT_EQ(counted(), (Counts{{"session-end allowed", 1}}));
  EXPECT_EQ(chat("acme", session).status(), 401);
  EXPECT_EQ(counted(), (Counts{{"chat refused", 1}, {"barred", 1}, {"units", 1}}));
}

TEST_F(ServeObservedTest, WhoIsLockedOut) {
  options_.penalty.after = 1;
  renew();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(say().status(), 200);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(say().status(), 429);
  counted();
  EXPECT_EQ(say().status(), 429);
  EXPECT_EQ(counted(), (Counts{{"chat denied", 1}, {"chat defaults denied", 1}, {"barred", 1}}));
}

TEST_F(ServeObservedTest, NewcomersWhoShareABucket) {
  options_.newcomers.per_tenant = 1;
  renew();
  EXPECT_EQ(say().status(), 200);
  address_ = "203.0.113.8";
  EXPECT_EQ(say().status(), 200);
  EXPECT_EQ(counted(), (Counts{{"chat allowed", 2}, {"crowded", 1}, {"units", 2}}));
}

TEST_F(ServeObservedTest, WhatNoStoreDecides) {
  AbsentStore absent;
  policy_ = test_policy(options_, services_, absent, newcomers_);
  EXPECT_EQ(say().status(), 503);
  EXPECT_EQ(counted(), (Counts{{"chat failed", 1}, {"on_store_error", 1}}));
  auto lenient = plan_limit("chat", "", limits::Fact::kIp, 2, "chat");
  lenient.limit.on_store_error = limits::OnStoreError::kAllow;
  use_plans({lenient}, {});
  policy_ = test_policy(options_, services_, absent, newcomers_);
  EXPECT_EQ(say().status(), 200);
  EXPECT_EQ(counted(), (Counts{{"chat allowed", 1}, {"on_store_error", 1}}));
}

Task<void> forget(Task<http::Response> task) {
  (void)co_await std::move(task);
}

TEST_F(ServeObservedTest, WhatThrowsOrIsDroppedIsUnanswered) {
  http::Request request;
  request.method = "POST";
  request.path = "/chat";
  request.remote_address = address_;
  request.body = R"({"message":"hi"})";
  int thrown = 0;
  std::optional<TaskGroup> tasks(
      std::in_place, [&](std::string_view /*name*/, std::string_view /*what*/) { ++thrown; });
  BrokenStore broken;
  policy_ = test_policy(options_, services_, broken, newcomers_);
  tasks->start("serve", forget(serve(request, policy_, services_)));
  EXPECT_EQ(thrown, 1);
  EXPECT_EQ(counted(), (Counts{{"chat unfinished", 1}}));
  GatedStore slow(store_);
  policy_ = test_policy(options_, services_, slow, newcomers_);
  tasks->start("serve", forget(serve(request, policy_, services_)));
  EXPECT_EQ(counted(), Counts{});
  tasks.reset();
  EXPECT_EQ(counted(), (Counts{{"chat unfinished", 1}}));
}

}  // namespace
}  // namespace sluice
