#include "handlers/settle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_fixture.h"

namespace sluice {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

class SettleRoute : public ServeFixture {
 protected:
  SettleRoute() {
    auto tokens = plan_limit("tokens", "", limits::Fact::kIp, 100, "chat");
    tokens.limit.unit = "tokens";
    tokens.limit.rate.window = {1, limits::Unit::kHour};
    options_.costs["chat"] = {{.source = http::CostRule::Source::kHeader,
                               .name = "HTTP_X_TOKENS",
                               .cost = 40,
                               .unit = "tokens",
                               .settle_within = minutes(10)}};
    use_plans({tokens, plan_limit("chat", "", limits::Fact::kIp, 50, "chat")}, {});
  }

  // Reserves, and yields the id.
  std::string reserve(std::string_view tokens = "40") {
    address_ = "203.0.113.7";
    const auto answer = send("POST", "/chat", R"({"message":"x"})", {{"HTTP_X_TOKENS", tokens}});
    EXPECT_EQ(answer.status(), 200) << answer.body();
    const auto& fields = answer.fields();
    return fields.substr(fields.find("X-Decision-ID: ") + 15, 32);
  }
  http::Response settle(const std::string& id, std::int64_t actual) {
    address_ = "127.0.0.1";
    return send("POST", "/settle",
                http::JsonWriter().set("request_id", id).set("actual", actual).text());
  }
  // What GET /limits says of the limit of tokens.
  std::int64_t shown(const std::string& name) {
    address_ = "203.0.113.7";
    const std::string body = own_limits().body();
    const auto at = body.find(R"("name":"tokens")");
    const std::string key = '"' + name + R"(":)";
    return std::stoll(body.substr(body.find(key, at) + key.size()));
  }
  std::int64_t left() { return shown("remaining"); }
};

TEST_F(SettleRoute, RefundsWhatWasNotUsedOnce) {
  const std::string id = reserve();
  EXPECT_EQ(left(), 60);
  const auto first = settle(id, 15);
  EXPECT_EQ(first.status(), 200);
  EXPECT_EQ(first.body(), R"({"request_id":")" + id +
                              R"(","unit":"tokens","reserved":40,"actual":15,)"
                              R"("limits":[{"name":"tokens","refunded":25}]})");
  EXPECT_EQ(left(), 85);
  for (int again = 0; again < 10; ++again) EXPECT_EQ(settle(id, 15).body(), first.body());
  EXPECT_EQ(settle(id, 14).status(), 409);
  EXPECT_EQ(left(), 85);
}

TEST_F(SettleRoute, ChargesWhatWasUsedBesidesAsFarAsThereIsRoom) {
  const std::string one = reserve();
  EXPECT_THAT(settle(one, 70).body(), HasSubstr(R"({"name":"tokens","charged":30})"));
  EXPECT_EQ(left(), 30);
  const std::string two = reserve("10");
  EXPECT_THAT(settle(two, 1000).body(), HasSubstr(R"({"name":"tokens","charged":20})"));
  EXPECT_EQ(left(), 0);
}

TEST_F(SettleRoute, OfWhatWasEstimatedRightMovesNothing) {
  EXPECT_THAT(settle(reserve(), 40).body(), HasSubstr(R"("limits":[])"));
  EXPECT_EQ(left(), 60);
}

TEST_F(SettleRoute, OfWhatIsUsedTheLimitsSayWhatIsReserved) {
  EXPECT_EQ(shown("reserved"), 0);
  const std::string one = reserve("30");
  clock_.advance(minutes(4));
  const std::string two = reserve("10");
  EXPECT_EQ(shown("reserved"), 40);
  EXPECT_EQ(shown("used"), 40);
  for (int again = 0; again < 2; ++again) settle(two, 25);
  EXPECT_EQ(shown("reserved"), 30);
  EXPECT_EQ(shown("used"), 55);
  clock_.advance(minutes(6) - seconds(1));
  EXPECT_EQ(shown("reserved"), 30) << "a second before it is over";
  clock_.advance(minutes(1) + seconds(20));
  EXPECT_EQ(shown("reserved"), 0) << "an eighth of its time later at most";
  EXPECT_EQ(shown("used"), 55);
  EXPECT_EQ(settle(reserve("5"), 5).status(), 200);
  EXPECT_EQ(shown("reserved"), 0) << "what was estimated right is reserved no more";
  const std::string body = own_limits().body();
  EXPECT_EQ(body.find("reserved"), body.rfind("reserved")) << "no estimate charges the other limit";
}

TEST_F(SettleRoute, KnowsNoOtherIds) {
  reserve();
  for (const char* id : {"", "x", "00000000000000000000000000000000", "../../etc/passwd",
                         "0000000000000000000000000000000G"}) {
    EXPECT_EQ(settle(id, 1).status(), 404) << id;
  }
  address_ = "127.0.0.1";
  for (const char* body :
       {"", "{}", "[]", R"({"request_id":"x"})", R"({"actual":1})",
        R"({"request_id":"x","actual":-1})", R"({"request_id":1,"actual":1})",
        R"({"request_id":"x","actual":1.5})", R"({"request_id":"x","actual":1000000001})"}) {
    EXPECT_EQ(send("POST", "/settle", body).status(), 400) << body;
  }
}

TEST_F(SettleRoute, IsOverAfterItsTime) {
  const std::string id = reserve();
  const std::string settled = reserve();
  EXPECT_EQ(settle(settled, 30).status(), 200);
  clock_.advance(minutes(10) - seconds(1));
  EXPECT_EQ(settle(settled, 30).status(), 200);
  clock_.advance(seconds(1));
  EXPECT_EQ(settle(id, 1).status(), 410);
  EXPECT_EQ(left(), 100 - 40 - 30) << "the estimate stays";
  EXPECT_EQ(settle(settled, 30).status(), 200);
  clock_.advance(minutes(10));
  EXPECT_EQ(settle(id, 1).status(), 404);
  EXPECT_EQ(settle(settled, 30).status(), 404);
}

TEST_F(SettleRoute, RefundsNothingOfALimitThatHasChangedOrGone) {
  const std::string changed = reserve();
  auto tokens = plan_limit("tokens", "", limits::Fact::kIp, 200, "chat");
  tokens.limit.unit = "tokens";
  tokens.limit.rate.window = {1, limits::Unit::kHour};
  use_plans({tokens}, {});
  EXPECT_THAT(settle(changed, 1).body(), HasSubstr(R"("limits":[])"));
  EXPECT_EQ(left(), 160);
  const std::string gone = reserve();
  use_plans({plan_limit("chat", "", limits::Fact::kIp, 50, "chat")}, {});
  EXPECT_EQ(settle(gone, 1).status(), 200);
}

TEST_F(SettleRoute, IsThereForThoseAloneWhoMay) {
  const std::string id = reserve();
  const std::string body = R"({"request_id":")" + id + R"(","actual":0})";
  const auto nowhere = send("POST", "/nowhere", body);
  for (const char* const address : {"203.0.113.7", "::2", "unix:", "10.0.0.1"}) {
    address_ = address;
    const auto answer = send("POST", "/settle", body);
    EXPECT_EQ(answer.status(), 404) << address;
    EXPECT_EQ(answer.body(), nowhere.body()) << address;
  }
  address_ = "127.0.0.1";
  EXPECT_EQ(send("GET", "/settle").status(), 405);
  EXPECT_EQ(left(), 60);
}

TEST_F(SettleRoute, NginxMaySayItWithoutABody) {
  const std::string id = reserve();
  const auto of_nginx = [&](const std::string& actual) {
    http::Request request;
    const std::vector<http::Param> params{{"SLUICE_REQUEST_ID", id}, {"SLUICE_ACTUAL", actual}};
    request.method = "POST";
    request.path = "/settle";
    request.remote_address = "203.0.113.7";
    request.params = params;
    request.is_settled_by_nginx = true;
    return run_now(serve(request, policy_, services_));
  };
  for (const char* none : {"", "-", "12a", "-1"}) EXPECT_EQ(of_nginx(none).status(), 400) << none;
  EXPECT_EQ(left(), 60);
  EXPECT_EQ(of_nginx("5").status(), 200);
  EXPECT_EQ(left(), 95);
}

TEST_F(SettleRoute, ADeniedRequestReservesNothing) {
  EXPECT_EQ(left(), 100);
  reserve("90");
  address_ = "203.0.113.7";
  const auto before = store_.size();
  const auto denied = send("POST", "/chat", R"({"message":"x"})", {{"HTTP_X_TOKENS", "20"}});
  EXPECT_EQ(denied.status(), 429);
  EXPECT_THAT(denied.body(), HasSubstr("Rate limit exceeded: 100 tokens per 1 hour"));
  EXPECT_EQ(store_.size(), before);
}

// RateLimit's draft knows requests, and no other units that a client could make sense of.
TEST_F(SettleRoute, OtherUnitsAreNotInTheFieldsForRequests) {
  address_ = "203.0.113.7";
  const auto answer = send("POST", "/chat", R"({"message":"x"})");
  EXPECT_THAT(answer.fields(), HasSubstr("RateLimit: \"chat\";r=49;"));
  EXPECT_THAT(answer.fields(), HasSubstr("RateLimit-Policy: \"chat\";q=50;"));
}

}  // namespace
}  // namespace sluice
