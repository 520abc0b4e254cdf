#include "commands/operate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/operator_fixture.h"

namespace sluice::commands {
namespace {

using limits::Fact;
using limits::Scope;
using testing::EndsWith;
using testing::HasSubstr;

class OperatorTest : public OperatorFixture {
 protected:
  OperatorTest() {
    use({plan_limit("chat", "acme", Fact::kSession, 4, "chat"),
         plan_limit("all", "acme", Fact::kTenant, 100, "chat"),
         plan_limit("key", "acme", Fact::kApiKey, 9, "chat")});
  }

  void use(std::vector<limits::PlanLimit> acme) {
    const auto defaults = options_.plans->defaults();
    use_plans({defaults.begin(), defaults.end()}, {{"acme", std::move(acme)}, {"globex", {}}});
    config_.policy.plans = options_.plans;
  }
};

TEST_F(OperatorTest, ASessionShowsItsLimitsAndThoseOfItsTenant) {
  const std::string session = open_session("acme");
  for (int i = 0; i < 3; ++i) chat("acme", session);
  clock_.advance(std::chrono::milliseconds(2'500));
  EXPECT_EQ(done({.session = session}, peek),
            "chat  route chat  scope session  4 per 10 seconds  used 3/4  remaining 1  reset 8 s\n"
            "all  route chat  scope tenant  100 per 10 seconds  used 3/100  remaining 97  "
            "reset 8 s\n"
            "key  route chat  scope api_key  9 per 10 seconds  skipped: it takes --api-key to name "
            "its bucket\n");
}

TEST_F(OperatorTest, ATenantAloneShowsWhatItsClientsShare) {
  EXPECT_EQ(done({.tenant = "acme"}, peek),
            "all  route chat  scope tenant  100 per 10 seconds  used 0/100  remaining 100  "
            "reset 0 s\n"
            "chat  route chat  scope session  4 per 10 seconds  skipped: it takes --session to "
            "name its bucket\n"
            "key  route chat  scope api_key  9 per 10 seconds  skipped: it takes --api-key to name "
            "its bucket\n");
  EXPECT_EQ(done({.tenant = "globex"}, peek), "no limit applies\n");
}

TEST_F(OperatorTest, AnApiKeyShowsWhatItsUserHasAndImpliesTheTenant) {
  const auto chat_with_key = [&] {
    return send("POST", "/chat", R"({"message":"hi"})", {{"HTTP_X_API_KEY", api_key_}}).status();
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(chat_with_key(), 200);
  for (const std::string tenant : {"", "acme"}) {
    EXPECT_EQ(done({.tenant = tenant, .api_key = "k1"}, peek),
              "chat  route chat  scope session  4 per 10 seconds  used 3/4  remaining 1  "
              "reset 10 s\n"
              "all  route chat  scope tenant  100 per 10 seconds  used 3/100  remaining 97  "
              "reset 10 s\n"
              "key  route chat  scope api_key  9 per 10 seconds  used 3/9  remaining 6  "
              "reset 10 s\n");
  }
  EXPECT_THAT(done({.api_key = "k2"}, peek),
              testing::AllOf(HasSubstr("used 3/4"), HasSubstr("used 0/9")));  // the same user
  EXPECT_THAT(done({.api_key = "k1"}, reset), EndsWith("\n2 of 2 buckets had been in use\n"));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(chat_with_key(), 200);
  EXPECT_EQ(chat_with_key(), 429);
}

TEST_F(OperatorTest, ASessionBesideAnApiKeyIsTheSession) {
  const std::string session = open_session("acme");
  chat("acme", session);
  EXPECT_THAT(done({.session = session, .api_key = "k1"}, peek), HasSubstr("used 1/4"));
}

TEST_F(OperatorTest, AnApiKeyIsNamedByItsIdOnly) {
  const std::string unknown =
      "error: --api-key: no key has this id (the id, not the key); sluice key list shows them";
  EXPECT_EQ(done({.api_key = "k3"}, peek), unknown);
  EXPECT_EQ(done({.api_key = api_key_}, peek), unknown);
  EXPECT_EQ(done({.tenant = "globex", .api_key = "k1"}, peek),
            "error: --api-key: belongs to acme, not to globex");
  EXPECT_EQ(done({.session = open_session("globex"), .api_key = "k1"}, peek),
            "error: --api-key: belongs to acme, not to globex");
  config_.policy.identity.api_keys = nullptr;
  EXPECT_EQ(done({.api_key = "k1"}, peek), "error: --api-key: the config has no api_keys.file");
}

TEST_F(OperatorTest, AnAddressShowsTheDefaultsAndThoseOfFalseClaims) {
  chat("acme", "forged");
  EXPECT_EQ(done({.address = address_}, peek),
            "session  route session  scope ip  3 per 10 seconds  used 0/3  remaining 3  reset 0 s\n"
            "chat  route chat  scope ip  2 per 10 seconds  used 0/2  remaining 2  reset 0 s\n"
            "probing  route identity_failure  scope ip  2 per 10 seconds  used 1/2  remaining 1  "
            "reset 10 s\n");
  EXPECT_EQ(done({.address = "64:ff9b::" + address_}, peek), done({.address = address_}, peek));
  EXPECT_THAT(done({.tenant = "acme", .address = address_, .route = "chat"}, peek),
              HasSubstr("default:chat  route chat  scope ip  2 per 10 seconds"));
}

TEST_F(OperatorTest, OneRouteCanBeAskedFor) {
  EXPECT_EQ(done({.address = address_, .route = "identity_failure"}, peek),
            "probing  route identity_failure  scope ip  2 per 10 seconds  used 0/2  remaining 2  "
            "reset 0 s\n");
  EXPECT_EQ(done({.address = address_, .route = "status"}, peek),
            "error: --route: \"status\" is none of session, chat, identity_failure");
}

TEST_F(OperatorTest, ALimitCountedPerRouteShowsEachAndShadowIsSaid) {
  Scope per_route = Fact::kTenant;
  per_route.parts.push_back({Fact::kRoute, ""});
  auto apart = plan_limit("apart", "acme", per_route, 5, "chat");
  apart.routes.emplace_back("session");
  apart.limit.mode = limits::Mode::kShadow;
  use({apart});
  chat("acme", open_session("acme"));
  EXPECT_EQ(done({.tenant = "acme"}, peek),
            "apart  route session  scope tenant+route  5 per 10 seconds  used 0/5  remaining 5  "
            "reset 0 s  shadow\n"
            "apart  route chat  scope tenant+route  5 per 10 seconds  used 1/5  remaining 4  "
            "reset 10 s  shadow\n");
  EXPECT_THAT(done({.tenant = "acme"}, reset), EndsWith("\n1 of 2 buckets had been in use\n"));
  EXPECT_THAT(done({.tenant = "acme"}, reset), EndsWith("\n0 of 2 buckets had been in use\n"));
}

TEST_F(OperatorTest, ResetGivesTheFullQuotaBackToOneClientOnly) {
  const std::string session = open_session("acme");
  const std::string other = open_session("acme");
  for (const std::string& used : {session, other}) {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(chat("acme", used).status(), 200);
    EXPECT_EQ(chat("acme", used).status(), 429);
  }
  EXPECT_THAT(done({.tenant = "acme", .session = session}, reset),
              EndsWith("\n1 of 1 buckets had been in use\n"));
  EXPECT_EQ(chat("acme", session).status(), 200);
  EXPECT_EQ(chat("acme", other).status(), 429);
}

TEST_F(OperatorTest, WhatTheFlagsGetWrongIsSaidInOneLine) {
  const std::string session = open_session("acme");
  EXPECT_EQ(done({}, peek), "error: say whose: --tenant, --session, --api-key or --ip");
  EXPECT_EQ(done({.tenant = "nobody"}, peek), "error: --tenant: the config has no \"nobody\"");
  EXPECT_EQ(done({.address = "1.2.3"}, peek), "error: --ip: \"1.2.3\" is no address");
  EXPECT_EQ(done({.tenant = "globex", .session = session}, peek),
            "error: --session: belongs to acme, not to globex");
  EXPECT_EQ(done({.session = "forged"}, peek),
            "error: --session: not signed with the configured secrets, or expired");
  config_.deployment.secrets.file += ".none";
  EXPECT_EQ(done({.session = session}, peek), "error: " + config_.deployment.secrets.file +
                                                  ": cannot read: No such file or directory");
  struct stat info {};
  EXPECT_NE(::stat(config_.deployment.secrets.file.c_str(), &info),
            0);  // only workers make secrets
}

TEST_F(OperatorTest, AStoreThatCannotBeAskedIsAnError) {
  AbsentStore absent;
  limiter::Limiter limiter(absent, clock_, newcomers_, {});
  for (const Operation operation : {peek, reset, preview_reset}) {
    auto buckets = find_buckets(config_, {.address = address_}, clock_.now());
    ASSERT_TRUE(buckets);
    const auto text = run_now(operation(*buckets, limiter));
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, ErrorCode::kStoreUnavailable);
  }
}

TEST_F(OperatorTest, CountsInTheMemoryOfWorkersCannotBeSeen) {
  config_.deployment.store.kind = store::Kind::kMemory;
  const auto text = operate(config_, {.address = address_}, peek);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(text.error().detail,
            "memory://: each worker keeps its own counts, nobody else can see them");
}

TEST_F(OperatorTest, TheFileOfWorkersIsForThemToMake) {
  config_.deployment.store.kind = store::Kind::kSharedMemory;
  config_.deployment.store.file = directory_.path() + "/counts";
  for (const Operation operation : {peek, reset, preview_reset}) {
    const auto text = operate(config_, {.address = address_}, operation);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, ErrorCode::kSystem);
    EXPECT_EQ(text.error().detail,
              "shm://" + config_.deployment.store.file + ": no worker has counted here yet");
    struct stat info {};
    EXPECT_NE(::stat(config_.deployment.store.file.c_str(), &info), 0);
  }
}

}  // namespace
}  // namespace sluice::commands
