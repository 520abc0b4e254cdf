// What an API key gets, and what a false one costs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_fixture.h"

namespace sluice {
namespace {

using limits::Fact;
using testing::HasSubstr;
using testing::Not;

class ServeKeyTest : public ServeFixture {
 protected:
  http::Response chat_with(std::string_view key, std::vector<http::Param> more = {}) {
    more.push_back({"HTTP_X_API_KEY", key});
    return send("POST", "/chat", R"({"message":"hi"})", std::move(more));
  }

  void use_acme(std::vector<limits::PlanLimit> acme) {
    const auto defaults = options_.plans->defaults();
    use_plans({defaults.begin(), defaults.end()}, {{"acme", std::move(acme)}, {"globex", {}}});
  }

  const std::string unknown_ = identity::generate_api_key();
};

TEST_F(ServeKeyTest, AKeyHasItsTenantsLimitsAndNoSession) {
  const http::Response response = chat_with(api_key_);
  EXPECT_EQ(response.body(),
            R"({"tenant_id":"acme","session_id":null,"reply":"hi","message_number":1})");
  EXPECT_THAT(response.fields(), HasSubstr("RateLimit-Policy: \"chat\";q=4;w=10\r\n"));
}

TEST_F(ServeKeyTest, AllKeysOfAUserCountAsOneSessionFromEverywhere) {
  for (int i = 0; i < 4; ++i) {
    address_ = "203.0.113." + std::to_string(i);
    EXPECT_EQ(chat_with(i % 2 == 0 ? api_key_ : other_key_).status(), 200);
  }
  EXPECT_EQ(chat_with(api_key_).status(), 429);
  EXPECT_EQ(chat_with(other_key_).status(), 429);
  // A session of its own is another.
  EXPECT_EQ(chat("acme", open_session("acme")).status(), 200);
}

TEST_F(ServeKeyTest, AKeyBringsNoEndedSessionBack) {
  const std::string session = open_session("acme");
  const std::vector<http::Param> both{{"HTTP_X_SESSION_ID", session}, {"HTTP_X_API_KEY", api_key_}};
  EXPECT_EQ(send("DELETE", "/session", "", both).status(), 204);
  EXPECT_EQ(send("GET", "/limits", "", both).status(), 401);
  EXPECT_EQ(chat_with(api_key_).status(), 200);
}

TEST_F(ServeKeyTest, KeysAreCountedApartWhereTheScopeSaysSo) {
  use_acme({plan_limit("key", "acme", Fact::kApiKey, 2, "chat"),
            plan_limit("user", "acme", Fact::kUser, 3, "chat")});
  EXPECT_EQ(chat_with(api_key_).status(), 200);
  EXPECT_EQ(chat_with(api_key_).status(), 200);
  EXPECT_THAT(chat_with(api_key_).body(), HasSubstr("2 per 10 seconds"));
  EXPECT_EQ(chat_with(other_key_).status(), 200);
  EXPECT_THAT(chat_with(other_key_).body(), HasSubstr("3 per 10 seconds"));
}

TEST_F(ServeKeyTest, WithoutAKeyItsScopesCountTheAddress) {
  use_acme({plan_limit("user", "acme", Fact::kUser, 2, "chat")});
  EXPECT_EQ(chat("acme", open_session("acme")).status(), 200);
  EXPECT_EQ(chat("acme", open_session("acme")).status(), 200);
  EXPECT_EQ(chat("acme", open_session("acme")).status(), 429);
  EXPECT_EQ(chat_with(api_key_).status(), 200);
}

TEST_F(ServeKeyTest, AFalseKeyCostsTheAddressAndNobodyElse) {
  const http::Response refused = chat_with(unknown_);
  EXPECT_EQ(refused.status(), 401);
  EXPECT_EQ(refused.body(), R"({"detail":"Invalid API key"})");
  EXPECT_THAT(refused.fields(), HasSubstr("WWW-Authenticate: Bearer\r\n"));
  EXPECT_THAT(refused.fields(), HasSubstr("RateLimit-Policy: \"probing\";q=2;w=10\r\n"));
  const http::Response foreign = chat_with(api_key_, {{"HTTP_X_TENANT_ID", "globex"}});
  EXPECT_EQ(foreign.status(), 403);
  EXPECT_EQ(foreign.body(), R"({"detail":"API key does not belong to tenant"})");
  EXPECT_EQ(chat_with(unknown_).status(), 429);
  EXPECT_THAT(chat_with(api_key_).fields(), HasSubstr("X-RateLimit-Remaining: 3\r\n"));
}

TEST_F(ServeKeyTest, OneThatIsShownWhereNoneIsAskedForIsNotLookedAt) {
  EXPECT_EQ(send("GET", "/", "", {{"HTTP_X_API_KEY", unknown_}}).status(), 200);
  EXPECT_EQ(
      send("POST", "/session", R"({"tenant_id":"acme"})", {{"HTTP_X_API_KEY", unknown_}}).status(),
      201);
}

TEST_F(ServeKeyTest, ItsUserSeesItsLimits) {
  chat_with(api_key_);
  const auto own = [&](std::string_view key, std::string_view session = "") {
    return send("GET", "/limits", "", {{"HTTP_X_API_KEY", key}, {"HTTP_X_SESSION_ID", session}});
  };
  EXPECT_THAT(own(other_key_).body(),
              testing::AllOf(
                  HasSubstr(R"({"tenant_id":"acme","session_id":null,"user":"alice","limits":[)"),
                  HasSubstr(R"("used":1,"remaining":3)"), Not(HasSubstr("slk_"))));
  const std::string session = open_session("acme");
  EXPECT_THAT(own(api_key_, session).body(),
              HasSubstr(R"("session_id":")" + session + R"(","user":"alice")"));
  EXPECT_EQ(own(unknown_).status(), 401);
}

TEST_F(ServeKeyTest, StatusSaysNothingOfKeys) {
  const http::Response status = send("GET", "/", "", {{"HTTP_X_API_KEY", api_key_}});
  EXPECT_THAT(status.body(), Not(HasSubstr("alice")));
  EXPECT_THAT(status.body(), Not(HasSubstr("key")));
}

}  // namespace
}  // namespace sluice
