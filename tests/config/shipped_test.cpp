#include <filesystem>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;
using limits::Fact;
using limits::OnStoreError;
using limits::Rate;
using limits::Unit;

const fs::path kSource = SLUICE_SOURCE_DIR;

void expect_shipped_limits(const Config& config) {
  struct Row {
    std::string name;
    Rate rate;
    OnStoreError on_store_error;
  };
  const std::vector<Row> defaults{
      {"chat", {5, {10, Unit::kSecond}}, OnStoreError::kAllow},
      {"session", {10, {1, Unit::kMinute}}, OnStoreError::kDeny},
      {"identity_failure", {30, {1, Unit::kMinute}}, OnStoreError::kDeny},
  };
  ASSERT_EQ(config.plans->defaults().size(), defaults.size());
  for (std::size_t i = 0; i < defaults.size(); ++i) {
    const limits::PlanLimit& limit = config.plans->defaults()[i];
    EXPECT_EQ(limit.limit.name, defaults[i].name);
    EXPECT_EQ(limit.limit.tenant, "");
    EXPECT_EQ(limit.limit.scope, Fact::kIp);
    EXPECT_EQ(limit.limit.rate, defaults[i].rate);
    EXPECT_EQ(limit.limit.on_store_error, defaults[i].on_store_error);
    EXPECT_EQ(limit.routes, std::vector<std::string>{defaults[i].name});
  }
  const std::map<std::string, std::int64_t> quotas{{"acme", 8}, {"globex", 4}, {"initech", 6}};
  ASSERT_EQ(config.plans->tenants().size(), quotas.size());
  for (const auto& [tenant, quota] : quotas) {
    const limits::PlanLimit& limit = only_limit(config, tenant);
    EXPECT_EQ(limit.limit.name, "chat");
    EXPECT_EQ(limit.limit.tenant, tenant);
    EXPECT_EQ(limit.limit.scope, Fact::kSession);
    EXPECT_EQ(limit.limit.rate, (Rate{quota, {10, Unit::kSecond}}));
    EXPECT_EQ(limit.limit.on_store_error, OnStoreError::kAllow);
    EXPECT_EQ(limit.routes, std::vector<std::string>{"chat"});
  }
}

TEST(ShippedConfig, SaysWhatTheDemoNeeds) {
  for (const char* name : {"conf/sluice.cfg", "conf/sluice-full.cfg"}) {
    SCOPED_TRACE(name);
    const auto config = load((kSource / name).string(), load_options());
    ASSERT_TRUE(config) << config.error().detail;
    expect_shipped_limits(*config);
    expect_default_options(*config, kSource / "conf");
  }
}

TEST(ShippedConfig, FullNamesEveryKey) {
  const std::string text = read_file(kSource / "conf/sluice-full.cfg");
  const auto keys = known_keys();
  EXPECT_GE(keys.size(), 30u);
  for (const std::string& key : keys) {
    const std::string name = key.substr(key.rfind('.') + 1);
    EXPECT_TRUE(std::regex_search(text, std::regex("\\b" + name + " = "))) << key;
  }
}

}  // namespace
}  // namespace sluice::config
