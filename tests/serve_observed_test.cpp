// Every request is counted once, whatever becomes of it.
#include <map>
#include <stdexcept>

#include <gtest/gtest.h>

#include "gated_store.h"
#include "serve_fixture.h"

namespace sluice {
namespace {

using telemetry::Counters;
using telemetry::Total;

class BrokenStore final : public store::BucketStore {
 public:
  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask /*ask*/,
                                                    std::optional<TimePoint> /*now*/) override {
    throw std::runtime_error("broken");
  }
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> /*keys*/) override {
    throw std::runtime_error("broken");
  }
};

class ServeObservedTest : public ServeFixture {
 protected:
  using Counts = std::map<std::string, std::uint64_t>;

  // What was counted since this was asked last: requests, as in "6 allowed", and the totals.
  Counts counted() {
    Counts now;
    for (std::size_t route = 0; route < Counters::kRoutes; ++route) {
      for (std::size_t i = 0; i < telemetry::kOutcomes.size(); ++i) {
        now[std::to_string(route) + " " + std::string(telemetry::kOutcomes.at(i))] =
            observer_.counters().sum(route, static_cast<telemetry::Outcome>(i));
      }
    }
    for (std::size_t i = 0; i < telemetry::kTotals.size(); ++i) {
      now[std::string(telemetry::kTotals.at(i))] = observer_.counters().sum(static_cast<Total>(i));
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
  EXPECT_EQ(counted(), (Counts{{"0 allowed", 1}}));
  EXPECT_EQ(send("GET", "/nowhere").status(), 404);
  EXPECT_EQ(send("GET", "/chat").status(), 405);
  EXPECT_EQ(counted(), (Counts{{"15 refused", 2}}));
  address_ = "192.0.2.1";
  EXPECT_EQ(say().status(), 403);
  EXPECT_EQ(counted(), (Counts{{"6 refused", 1}}));
}

TEST_F(ServeObservedTest, WhatTheLimitsAllowAndDeny) {
  EXPECT_EQ(say().status(), 200);
  EXPECT_EQ(counted(), (Counts{{"6 allowed", 1}, {"units", 1}}));
  EXPECT_EQ(say().status(), 200);
  EXPECT_EQ(say().status(), 429);
  EXPECT_EQ(counted(), (Counts{{"6 allowed", 1}, {"6 denied", 1}, {"units", 1}}));
  EXPECT_EQ(own_limits().status(), 200);
  EXPECT_EQ(counted(), (Counts{{"3 allowed", 1}}));
}

TEST_F(ServeObservedTest, WhatAHandlerRefusesWasAllowed) {
  EXPECT_EQ(send("POST", "/chat", "{}").status(), 400);
  EXPECT_EQ(counted(), (Counts{{"6 allowed", 1}, {"units", 1}}));
}

TEST_F(ServeObservedTest, WhatIsChargedAndRefused) {
  EXPECT_EQ(chat("acme", "forged").status(), 401);
  EXPECT_EQ(counted(), (Counts{{"6 refused", 1}, {"units", 1}}));
  EXPECT_EQ(send("POST", "/chat", "{bad").status(), 400);
  EXPECT_EQ(counted(), (Counts{{"6 refused", 1}, {"units", 1}}));
  EXPECT_EQ(chat("acme", "forged").status(), 401);
  EXPECT_EQ(chat("acme", "forged").status(), 429);
  EXPECT_EQ(counted(), (Counts{{"6 refused", 1}, {"6 denied", 1}, {"units", 1}}));
}

TEST_F(ServeObservedTest, AnEndedSessionIsDecidedTwiceAndCountedOnce) {
  const std::string session = open_session("acme");
  EXPECT_EQ(send("DELETE", "/session", "", {{"HTTP_X_SESSION_ID", session}}).status(), 204);
  EXPECT_EQ(counted(), (Counts{{"5 allowed", 1}}));
  EXPECT_EQ(chat("acme", session).status(), 401);
  EXPECT_EQ(counted(), (Counts{{"6 refused", 1}, {"barred", 1}, {"units", 1}}));
}

TEST_F(ServeObservedTest, WhoIsLockedOut) {
  rules_.penalty.after = 1;
  renew();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(say().status(), 200);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(say().status(), 429);
  counted();
  EXPECT_EQ(say().status(), 429);
  EXPECT_EQ(counted(), (Counts{{"6 denied", 1}, {"barred", 1}}));
}

TEST_F(ServeObservedTest, NewcomersWhoShareABucket) {
  rules_.newcomers.per_tenant = 1;
  renew();
  EXPECT_EQ(say().status(), 200);
  address_ = "203.0.113.8";
  EXPECT_EQ(say().status(), 200);
  EXPECT_EQ(counted(), (Counts{{"6 allowed", 2}, {"crowded", 1}, {"units", 2}}));
}

TEST_F(ServeObservedTest, WhatNoStoreDecides) {
  AbsentStore absent;
  policy_ = test_policy(rules_, services_, absent, newcomers_);
  EXPECT_EQ(say().status(), 503);
  EXPECT_EQ(counted(), (Counts{{"6 failed", 1}, {"on_store_error", 1}}));
  auto lenient = plan_limit("chat", "", limits::Fact::kIp, 2, "chat");
  lenient.limit.on_store_error = limits::OnStoreError::kAllow;
  use_plans({lenient}, {});
  policy_ = test_policy(rules_, services_, absent, newcomers_);
  EXPECT_EQ(say().status(), 200);
  EXPECT_EQ(counted(), (Counts{{"6 allowed", 1}, {"on_store_error", 1}}));
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
  TaskGroup tasks([&](std::string_view /*name*/, std::string_view /*what*/) { ++thrown; });
  BrokenStore broken;
  policy_ = test_policy(rules_, services_, broken, newcomers_);
  tasks.start("serve", forget(serve(request, policy_, services_)));
  EXPECT_EQ(thrown, 1);
  EXPECT_EQ(counted(), (Counts{{"6 unfinished", 1}}));
  GatedStore slow(store_);
  policy_ = test_policy(rules_, services_, slow, newcomers_);
  tasks.start("serve", forget(serve(request, policy_, services_)));
  EXPECT_EQ(counted(), Counts{});
  tasks.stop();
  EXPECT_EQ(counted(), (Counts{{"6 unfinished", 1}}));
}

}  // namespace
}  // namespace sluice
