#include "handlers/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_fixture.h"

namespace sluice {
namespace {

using testing::HasSubstr;

class MetricsRoute : public ServeFixture {
 protected:
  http::Response ask(std::string address, std::string_view method = "GET",
                     std::vector<http::Param> params = {}) {
    address_ = std::move(address);
    return send(method, "/metrics", "", std::move(params));
  }
};

TEST_F(MetricsRoute, IsToldInTheTextFormat) {
  const auto answer = ask("127.0.0.1");
  EXPECT_EQ(answer.status(), 200);
  EXPECT_THAT(answer.fields(),
              HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer.body(), HasSubstr("\nsluice_config_generation 7\n"));
  EXPECT_THAT(ask("127.0.0.1").body(),
              HasSubstr("\nsluice_requests_total{route=\"metrics\",outcome=\"allowed\"} 1\n"));
}

TEST_F(MetricsRoute, IsThereForThisHostAlone) {
  const auto nowhere = send("GET", "/nowhere");
  for (const char* const address : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(ask(address).status(), 200) << address;
    EXPECT_EQ(ask(address, "HEAD").status(), 200) << address;
    EXPECT_EQ(ask(address, "POST").status(), 405) << address;
  }
  for (const char* const address : {"203.0.113.7", "::2", "unix:", "", "10.0.0.1"}) {
    for (const char* const method : {"GET", "POST"}) {
      const auto answer = ask(address, method);
      EXPECT_EQ(answer.status(), 404) << address;
      EXPECT_EQ(answer.fields(), nowhere.fields()) << address;
      EXPECT_EQ(answer.body(), nowhere.body()) << address;
    }
  }
}

TEST_F(MetricsRoute, OrForTheNetworksThatTheConfigNames) {
  options_.metrics.allow = {*identity::parse_network("10.0.0.0/8")};
  renew();
  EXPECT_EQ(ask("10.1.2.3").status(), 200);
  EXPECT_EQ(ask("64:ff9b::10.1.2.3").status(), 200);
  EXPECT_EQ(ask("127.0.0.1").status(), 404);
  options_.metrics.allow = {};
  renew();
  EXPECT_EQ(ask("10.1.2.3").status(), 404);
}

// It is the client that is looked at, wherever trusted proxies stand.
TEST_F(MetricsRoute, IsNotForWhoComesThroughAProxyOfThisHost) {
  options_.identity.trusted_proxies = {*identity::parse_network("127.0.0.1")};
  renew();
  EXPECT_EQ(ask("127.0.0.1", "GET", {{"HTTP_X_FORWARDED_FOR", "203.0.113.7"}}).status(), 404);
  EXPECT_EQ(ask("127.0.0.1", "GET", {{"HTTP_X_FORWARDED_FOR", "127.0.0.1, 203.0.113.7"}}).status(),
            404);
  EXPECT_EQ(ask("127.0.0.1").status(), 200);
}

TEST_F(MetricsRoute, IsNoPathOfTheGate) {
  address_ = "127.0.0.1";
  EXPECT_EQ(gate("GET", "/metrics").status(), 204);
}

}  // namespace
}  // namespace sluice
