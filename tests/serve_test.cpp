// The straight line, with a store in memory and time in the test's hands.
#include "serve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_fixture.h"

namespace sluice {
namespace {

using limits::Fact;
using testing::HasSubstr;
using testing::Not;

class ServeTest : public ServeFixture {};

TEST_F(ServeTest, StatusTellsEverythingAndIsNeverLimited) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(
        send("GET", "/").body(),
        R"({"service":"sluice","version":"1.2.3","pool":"api1","config_generation":7,)"
        R"("tenant_count":4,)"
        R"("tenants":{"acme":{"chat_per_10s":4},"banned":{},"globex":{"chat_per_10s":4},"vip":{}},)"
        R"("algorithms":{"acme":{"chat":"fixed_window"},"banned":{},)"
        R"("globex":{"chat":"fixed_window"},"vip":{}},)"
        R"("defaults":{"chat_per_10s":2,"session_per_10s":3,"probing_per_10s":2},)"
        R"("storage":"memory://","store":{"status":"up"}})");
  }
}

TEST_F(ServeTest, ASessionIsOpenedForAKnownTenantAndCountedPerAddress) {
  const http::Response opened = send("POST", "/session", R"({"tenant_id":"acme"})");
  EXPECT_EQ(opened.status(), 201);
  const auto body = http::JsonObject::parse(opened.body());
  ASSERT_TRUE(body);
  EXPECT_TRUE(tokens_.verify(body->string("session_id")->value_or(""), clock_.now()));
  EXPECT_EQ(*body->string("expires_at"), "2027-01-16T08:00:00Z");
  EXPECT_EQ(send("POST", "/session", R"({"tenant_id":"nobody"})").status(), 404);
  EXPECT_EQ(send("POST", "/session", "{}").status(), 400);
  EXPECT_EQ(send("POST", "/session", R"({"tenant_id":"acme"})").status(), 201) << "the third";
  EXPECT_EQ(send("POST", "/session", R"({"tenant_id":"acme"})").status(), 429);
}

TEST_F(ServeTest, AMessageIsEchoedAndNumberedUntilTheQuotaIsUsed) {
  const std::string session = open_session("acme");
  for (int i = 1; i <= 4; ++i) {
    const http::Response response = chat("acme", session);
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.body(), R"({"tenant_id":"acme","session_id":")" + session +
                                   R"(","reply":"hi","message_number":)" + std::to_string(i) + "}");
  }
  const http::Response denied = chat("acme", session);
  EXPECT_EQ(denied.status(), 429);
  EXPECT_EQ(denied.body(), R"({"detail":"Rate limit exceeded: 4 per 10 seconds"})");
  EXPECT_THAT(denied.fields(), HasSubstr("Retry-After: 10\r\n"));
  clock_.advance(std::chrono::seconds(10));
  EXPECT_EQ(chat("acme", session).status(), 200);
}

TEST_F(ServeTest, WithoutHeadersTheAddressIsChargedAndTheSessionToo) {
  const std::string session = open_session("acme");
  EXPECT_EQ(chat("acme", session, false).status(), 200);
  EXPECT_EQ(chat("acme", session, false).status(), 200);
  const http::Response denied = chat("acme", session, false);
  EXPECT_EQ(denied.body(), R"({"detail":"Rate limit exceeded: 2 per 10 seconds"})");
  EXPECT_THAT(chat("acme", session).fields(), HasSubstr("X-RateLimit-Remaining: 1\r\n"));
}

TEST_F(ServeTest, AClaimMadeOnlyInHeadersIsEchoedToo) {
  const std::string session = open_session("acme");
  const http::Response response =
      send("POST", "/chat", R"({"message":"hi"})",
           {{"HTTP_X_TENANT_ID", "acme"}, {"HTTP_X_SESSION_ID", session}});
  EXPECT_THAT(response.body(), HasSubstr(R"("tenant_id":"acme","session_id":")" + session));
}

TEST_F(ServeTest, WithoutAnySessionTheAddressIsChargedAlone) {
  const http::Response response = send("POST", "/chat", R"({"message":"hi"})");
  EXPECT_EQ(response.body(),
            R"({"tenant_id":null,"session_id":null,"reply":"hi","message_number":1})");
}

TEST_F(ServeTest, AFalseClaimCostsTheAddressAndNeverTheVictim) {
  const std::string session = open_session("acme");
  const http::Response foreign = chat("globex", session);
  EXPECT_EQ(foreign.status(), 403);
  EXPECT_EQ(foreign.body(), R"({"detail":"Session does not belong to tenant"})");
  EXPECT_EQ(chat("acme", "forged").status(), 401);
  EXPECT_EQ(chat("acme", "forged").status(), 429);
  EXPECT_THAT(chat("acme", session).fields(), HasSubstr("X-RateLimit-Remaining: 3\r\n"));
}

TEST_F(ServeTest, AMessageThatIsMissingIsSaidSo) {
  EXPECT_EQ(send("POST", "/chat", "{}").body(), R"({"detail":"\"message\" is missing"})");
}

TEST_F(ServeTest, ARouteCostsWhatItsRuleSays) {
  options_.costs["chat"] = {{http::CostRule::Source::kBody, "tokens", 1, 1, 100}};
  renew();
  options_.costs["session"] = {{http::CostRule::Source::kFixed, "", 2, 1, 1000}};
  renew();
  const auto said = [&](const std::string& tokens) {
    return send("POST", "/chat", R"({"message":"hi")" + tokens + "}");
  };
  EXPECT_THAT(said(R"(,"tokens":2)").fields(), HasSubstr("X-RateLimit-Remaining: 0\r\n"));
  EXPECT_EQ(said("").status(), 429);
  EXPECT_THAT(send("POST", "/session", R"({"tenant_id":"acme"})").fields(),
              HasSubstr("X-RateLimit-Remaining: 1\r\n"));
}

TEST_F(ServeTest, ACostAboveTheQuotaIsDeniedAndChargesNothing) {
  options_.costs["chat"] = {{http::CostRule::Source::kHeader, "HTTP_X_COST", 1, 1, 100}};
  renew();
  const http::Response denied =
      send("POST", "/chat", R"({"message":"hi"})", {{"HTTP_X_COST", "3"}});
  EXPECT_EQ(denied.status(), 429);
  EXPECT_THAT(denied.fields(), HasSubstr("X-RateLimit-Remaining: 2\r\n"));
  EXPECT_THAT(denied.fields(), Not(HasSubstr("Retry-After")));
}

TEST_F(ServeTest, AFalseClaimCostsOneWhateverItSays) {
  options_.costs["chat"] = {{http::CostRule::Source::kBody, "tokens", 50, 1, 100}};
  renew();
  for (const char* tokens : {"100", "\"x\""}) {
    const std::string body =
        std::string(R"({"session_id":"forged","message":"hi","tokens":)") + tokens + "}";
    EXPECT_EQ(send("POST", "/chat", body).status(), 401) << tokens;
  }
  EXPECT_EQ(own_limits("acme", "forged").status(), 429);  // on a free route too
}

TEST_F(ServeTest, AFreeRouteKnowsNoLimitNotEvenOneOfEveryRoute) {
  use_plans({plan_limit("all", "", Fact::kIp, 0, std::string(limits::kEveryRoute))}, {});
  options_.costs["status"] = {{http::CostRule::Source::kFixed, "", 5, 1, 1000}};
  renew();
  EXPECT_EQ(send("GET", "/").status(), 200);
  EXPECT_EQ(own_limits().status(), 200);
  EXPECT_EQ(send("POST", "/chat", R"({"message":"hi"})").status(), 429);
}

TEST_F(ServeTest, WhoIsDeniedIsToldSoAndNobodyIsCharged) {
  const std::string banned = open_session("banned");
  EXPECT_EQ(chat("banned", banned).status(), 403);
  EXPECT_EQ(chat("banned", banned).body(), R"({"detail":"Forbidden"})");
  address_ = "192.0.2.1";
  for (const char* path : {"/", "/limits"}) EXPECT_EQ(send("GET", path).status(), 403) << path;
  EXPECT_EQ(chat("acme", open_session("acme")).status(), 403);
  EXPECT_EQ(store_.size(), 0U);
}

TEST_F(ServeTest, WhoIsExemptIsNeverLimitedNorCharged) {
  const std::string vip = open_session("vip");
  for (int i = 0; i < 5; ++i) {
    const http::Response response = chat("vip", vip, false);
    EXPECT_EQ(response.status(), 200);
    EXPECT_THAT(response.fields(), Not(HasSubstr("RateLimit")));
    EXPECT_THAT(response.body(), HasSubstr(R"("message_number":null)"));
  }
  address_ = "198.51.100.9";
  const std::string acme = open_session("acme");
  for (int i = 0; i < 9; ++i) EXPECT_EQ(chat("acme", acme).status(), 200);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(chat("acme", "forged").status(), 401);
  EXPECT_EQ(store_.size(), 0U);
}

TEST_F(ServeTest, AShadowLimitIsReportedAndDeniesNobody) {
  auto strict = plan_limit("strict", "", Fact::kIp, 1, "chat");
  strict.limit.mode = limits::Mode::kShadow;
  use_plans({plan_limit("chat", "", Fact::kIp, 3, "chat"), strict}, {});
  const auto say = [&] { return send("POST", "/chat", R"({"message":"hi"})"); };
  EXPECT_THAT(say().fields(), HasSubstr("X-RateLimit-Shadow: \"strict\";q=1;w=10;r=0;t=10\r\n"));
  const http::Response second = say();
  EXPECT_EQ(second.status(), 200);
  EXPECT_THAT(second.fields(), HasSubstr("RateLimit: \"chat\";r=1;t=10\r\n"));
  EXPECT_THAT(second.fields(),
              HasSubstr("X-RateLimit-Shadow: \"strict\";q=1;w=10;r=0;t=10;denied\r\n"));
  EXPECT_THAT(send("GET", "/").body(), Not(HasSubstr("strict")));
}

TEST_F(ServeTest, AnEndedSessionIsAFalseClaimEverywhere) {
  const std::string session = open_session("acme");
  const std::string other = open_session("acme");
  EXPECT_EQ(chat("acme", session).status(), 200);
  const http::Response ended = send("DELETE", "/session", "", {{"HTTP_X_SESSION_ID", session}});
  EXPECT_EQ(ended.status(), 204);
  EXPECT_EQ(ended.body(), "");
  EXPECT_THAT(ended.serialize(), Not(HasSubstr("Content-")));
  EXPECT_EQ(chat("acme", session).status(), 401);
  EXPECT_EQ(own_limits("acme", session).status(), 401);
  EXPECT_EQ(chat("acme", session).status(), 429) << "probing is limited, by address";
  EXPECT_EQ(chat("acme", other).status(), 200);
}

// The store in memory, until it has answered so many decisions.
class DyingStore final : public store::ForwardingStore {
 public:
  DyingStore(store::BucketStore& store, int answers) : ForwardingStore(store), left_(answers) {}

  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask ask,
                                                    std::optional<TimePoint> now) override {
    return left_-- > 0 ? ForwardingStore::take(ask, now) : absent_.take(ask, now);
  }

 private:
  AbsentStore absent_;
  int left_;
};

TEST_F(ServeTest, AnEndedSessionIsRefusedThoughTheStoreGoesMeanwhile) {
  const std::string session = open_session("acme");
  EXPECT_EQ(send("DELETE", "/session", "", {{"HTTP_X_SESSION_ID", session}}).status(), 204);
  const std::vector<http::Param> params{{"HTTP_X_SESSION_ID", session}};
  const http::Request asked = request("GET", "/limits", params);
  const auto status = [&](limits::OnStoreError policy) {
    DyingStore store(store_, 1);
    auto probing = plan_limit("probing", "", Fact::kIp, 2, std::string(limits::kIdentityFailure));
    probing.limit.on_store_error = policy;
    use_plans({probing}, {{"acme", {}}});
    const auto dying = test_policy(options_, services_, store, newcomers_);
    return run_now(serve(asked, dying, services_)).status();
  };
  EXPECT_EQ(status(limits::OnStoreError::kAllow), 401);
  EXPECT_EQ(status(limits::OnStoreError::kDeny), 503);
}

TEST_F(ServeTest, EndingASessionTakesOne) {
  EXPECT_EQ(send("DELETE", "/session").status(), 400);
  EXPECT_EQ(send("DELETE", "/session", "", {{"HTTP_X_SESSION_ID", "forged"}}).status(), 401);
  const std::string session = open_session("acme");
  const http::Response foreign = send(
      "DELETE", "/session", "", {{"HTTP_X_TENANT_ID", "globex"}, {"HTTP_X_SESSION_ID", session}});
  EXPECT_EQ(foreign.status(), 403);
  EXPECT_EQ(chat("acme", session).status(), 200);
}

TEST_F(ServeTest, ARevokedSessionOfAnExemptTenantIsExemptNoLonger) {
  const std::string vip = open_session("vip");
  EXPECT_EQ(send("DELETE", "/session", "", {{"HTTP_X_SESSION_ID", vip}}).status(), 204);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(chat("vip", vip).status(), 401);
  EXPECT_EQ(chat("vip", vip).status(), 429);
}

}  // namespace
}  // namespace sluice
