#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;
using limits::Algorithm;
using limits::Fact;
using limits::OnStoreError;
using limits::Rate;
using limits::Unit;

const fs::path kSource = SLUICE_SOURCE_DIR;

void expect_shipped_defaults(const Loaded& config) {
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
  ASSERT_EQ(config.policy.plans->defaults().size(), defaults.size());
  for (std::size_t i = 0; i < defaults.size(); ++i) {
    const limits::PlanLimit& limit = config.policy.plans->defaults()[i];
    EXPECT_EQ(limit.limit.name, defaults[i].name);
    EXPECT_EQ(limit.limit.tenant, "");
    EXPECT_EQ(limit.limit.scope, Fact::kIp);
    EXPECT_EQ(limit.limit.rate, defaults[i].rate);
    EXPECT_EQ(limit.limit.on_store_error, defaults[i].on_store_error);
    EXPECT_EQ(limit.routes, std::vector<std::string>{defaults[i].name});
  }
}

void expect_shipped_tenants(const Loaded& config) {
  struct Row {
    std::int64_t quota;
    Algorithm algorithm;
  };
  const std::map<std::string, Row> tenants{
      {"acme", {8, Algorithm::kFixedWindow}},
      {"globex", {4, Algorithm::kFixedWindow}},
      {"initech", {6, Algorithm::kFixedWindow}},
      {"log-demo", {5, Algorithm::kSlidingLog}},
      {"window-demo", {5, Algorithm::kSlidingWindow}},
      {"bucket-demo", {5, Algorithm::kTokenBucket}},
      {"leaky-demo", {5, Algorithm::kLeakyBucket}},
  };
  ASSERT_EQ(config.policy.plans->tenants().size(), tenants.size());
  for (const auto& [tenant, row] : tenants) {
    SCOPED_TRACE(tenant);
    const limits::PlanLimit& limit = only_limit(config, tenant);
    EXPECT_EQ(limit.limit.name, "chat");
    EXPECT_EQ(limit.limit.tenant, tenant);
    EXPECT_EQ(limit.limit.plan, "chat");
    EXPECT_EQ(limit.limit.scope, Fact::kSession);
    EXPECT_EQ(limit.limit.rate, (Rate{row.quota, {10, Unit::kSecond}}));
    EXPECT_EQ(limit.limit.burst, 0);
    EXPECT_EQ(limit.limit.algorithm, row.algorithm);
    EXPECT_EQ(limit.limit.on_store_error, OnStoreError::kAllow);
    EXPECT_EQ(limit.routes, std::vector<std::string>{"chat"});
  }
}

TEST(ShippedConfig, SaysWhatTheDemoNeeds) {
  for (const char* name : {"conf/sluice.cfg", "conf/sluice-full.cfg"}) {
    SCOPED_TRACE(name);
    const auto config = load((kSource / name).string(), load_options());
    ASSERT_TRUE(config) << config.error().detail;
    expect_shipped_defaults(*config);
    expect_shipped_tenants(*config);
    expect_default_options(*config, kSource / "conf");
  }
}

TEST(ShippedConfig, FullNamesEveryKey) {
  const std::string text = read_file(kSource / "conf/sluice-full.cfg");
  const auto keys = known_keys();
  EXPECT_GE(keys.size(), 30U);
  for (const std::string& key : keys) {
    const std::string name = key.substr(key.rfind('.') + 1);
    EXPECT_TRUE(text.find("\n" + name + " = ") != std::string::npos ||
                text.find(" " + name + " = ") != std::string::npos)
        << key;
  }
}

// The lines of the full file that show what else can be said.
std::string examples() {
  constexpr std::string_view kMark = "#|";
  std::istringstream text(read_file(kSource / "conf/sluice-full.cfg"));
  std::string examples;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with(kMark)) examples += line.substr(kMark.size()) + "\n";
  }
  return examples;
}

class ConfigExamples : public Load {};

TEST_F(ConfigExamples, OfTheFullFileWork) {
  auto options = load_options();
  options.routes = {"session", "chat"};
  const auto config = load_text(examples(), options);
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->policy.costs.at("chat").at(0).name, "tokens");
  EXPECT_TRUE(config->policy.identity.access.exempt.has_tenant("selftest"));
  EXPECT_TRUE(config->policy.identity.access.deny.has_address("203.0.113.7"));
  EXPECT_EQ(config->policy.identity.headers, std::vector<std::string>{"x-device"});
  const auto& limits = config->policy.plans->tenants().at("umbrella");
  ASSERT_TRUE(config->policy.identity.api_keys);
  EXPECT_EQ(config->policy.identity.api_keys->size(), 0U);
  ASSERT_EQ(limits.size(), 6U);
  EXPECT_EQ(limits[0].limit.text(), "20000 per 1 minute");
  EXPECT_EQ(limits[1].limit.time_zone, "Europe/Berlin");
  EXPECT_EQ(limits[2].limit.burst, 20'000);
  EXPECT_EQ(limits[3].limit.mode, limits::Mode::kShadow);
  EXPECT_EQ(limits[4].limit.scope, Fact::kUser);
  EXPECT_EQ(limits[5].limit.name, "hour");
  EXPECT_EQ(config->warnings, "");
}

}  // namespace
}  // namespace sluice::config
