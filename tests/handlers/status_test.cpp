// What a worker tells anybody: GET /, /livez and /readyz.
#include "handlers/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve_fixture.h"

namespace sluice {
namespace {

using limits::Fact;
using testing::HasSubstr;
using testing::Not;

// Counts what it is asked, and is down if told.
class CountingStore final : public store::BucketStore {
 public:
  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask /*ask*/,
                                                    std::optional<TimePoint> /*now*/) override {
    ++takes;
    if (is_down) co_return fail(ErrorCode::kStoreUnavailable);
    co_return limits::Decision{};
  }
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view /*key*/) override {
    co_return std::nullopt;
  }
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> /*keys*/) override {
    co_return 0;
  }

  int takes = 0;
  bool is_down = false;
};

class StatusTest : public ServeFixture {
 protected:
  http::Response get(std::string_view path, std::size_t most_tenants = 100) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.remote_address = address_;
    counted_options_.most_tenants = most_tenants;
    return run_now(serve(request, policy(), counted_));
  }

  void use_tenants(const std::vector<std::string>& ids) {
    limits::Plans::TenantLimits tenants;
    for (const std::string& id : ids) {
      tenants[id] = {plan_limit("chat", id, Fact::kSession, 4, "chat")};
    }
    counted_options_.plans = std::make_shared<limits::Plans>(
        std::vector{plan_limit("chat", "", Fact::kIp, 2, "chat")}, std::move(tenants));
  }
  std::shared_ptr<const policy::Policy> policy() {
    return test_policy(counted_options_, counted_, counting_, newcomers_);
  }

  CountingStore counting_;
  handlers::Services counted_ = test_services(clock_, tokens_, observer_, counting_);
  policy::Options counted_options_ = options_;
};

TEST_F(StatusTest, NamesNoMoreTenantsThanToldAndCountsAll) {
  use_tenants({"a", "b", "c"});
  struct Row {
    std::size_t most;
    std::string tenants;
  };
  const std::vector<Row> rows{
      {0, R"("tenants":{},"algorithms":{},)"},
      {1, R"("tenants":{"a":{"chat_per_10s":4}},"algorithms":{"a":{"chat":"fixed_window"}},)"},
      {2, R"("tenants":{"a":{"chat_per_10s":4},"b":{"chat_per_10s":4}},)"},
      {3, R"("b":{"chat_per_10s":4},"c":{"chat_per_10s":4}},)"},
      {4, R"("b":{"chat_per_10s":4},"c":{"chat_per_10s":4}},)"},
  };
  for (const Row& row : rows) {
    const std::string body = get("/", row.most).body();
    EXPECT_THAT(body, HasSubstr(row.tenants)) << row.most;
    EXPECT_THAT(body, HasSubstr(R"("tenant_count":3,)"));
    EXPECT_THAT(body, HasSubstr(R"("defaults":{"chat_per_10s":2},)"));
  }
}

TEST_F(StatusTest, ThePageOfManyTenantsIsSmall) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5'000; ++i) ids.push_back("tenant-" + std::to_string(i));
  use_tenants(ids);
  const std::string body = get("/").body();
  EXPECT_LT(body.size(), 10'000U);
  EXPECT_THAT(body, HasSubstr(R"("tenant_count":5000,)"));
}

TEST_F(StatusTest, ThePageIsMadeOnceForEachPolicy) {
  const auto first = policy();
  EXPECT_EQ(first->page(true).data(), first->page(true).data());
  EXPECT_THAT(first->page(true), HasSubstr(R"("store":{"status":"up"})"));
  EXPECT_THAT(first->page(false), HasSubstr(R"("store":{"status":"down"})"));
  EXPECT_THAT(first->page(true), HasSubstr(R"("config_generation":7,)"));
  use_tenants({"new"});
  EXPECT_THAT(get("/").body(), HasSubstr(R"("tenants":{"new":)"));
}

TEST_F(StatusTest, AllWhoAskShareAProbeOfTheStore) {
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(get("/").body(), HasSubstr(R"("store":{"status":"up"})"));
    EXPECT_EQ(get("/readyz").status(), 200);
  }
  EXPECT_EQ(counting_.takes, 1);
  clock_.advance(std::chrono::milliseconds(100));
  counting_.is_down = true;
  EXPECT_THAT(get("/").body(), HasSubstr(R"("store":{"status":"down"})"));
  EXPECT_EQ(get("/readyz").status(), 503);
  EXPECT_EQ(counting_.takes, 2);
}

TEST_F(StatusTest, LivenessAsksNoStore) {
  counting_.is_down = true;
  for (int i = 0; i < 50; ++i) {
    const http::Response response = get("/livez");
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.body(), R"({"status":"up"})");
  }
  EXPECT_EQ(counting_.takes, 0);
}

TEST_F(StatusTest, ReadinessFollowsTheStore) {
  const http::Response ready = get("/readyz");
  EXPECT_EQ(ready.status(), 200);
  EXPECT_EQ(ready.body(), R"({"status":"up","config_generation":7})");
  EXPECT_THAT(ready.fields(), Not(HasSubstr("Retry-After")));
  clock_.advance(std::chrono::seconds(1));
  counting_.is_down = true;
  const http::Response down = get("/readyz");
  EXPECT_EQ(down.status(), 503);
  EXPECT_EQ(down.body(), R"({"status":"down","config_generation":7})");
  EXPECT_THAT(down.fields(), HasSubstr("Retry-After: 1\r\n"));
  clock_.advance(std::chrono::seconds(1));
  counting_.is_down = false;
  EXPECT_EQ(get("/readyz").status(), 200);
}

}  // namespace
}  // namespace sluice
