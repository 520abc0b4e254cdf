#include "reload.h"

#include <vector>

#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice {
namespace {

class ReloadTest : public config::Load {
 protected:
  config::Config read(const std::string& text) {
    auto config = load_text(text);
    EXPECT_TRUE(config) << config.error().detail;
    return config ? std::move(*config) : config::Config{};
  }
};

TEST_F(ReloadTest, NamesEachSettingThatTakesARestart) {
  const config::Config running = read("log = {};\n");
  const std::vector<std::pair<std::string, std::string>> rows{
      {"storage = { uri = \"redis://other\"; };", "storage.uri, storage.shared_file"},
      {"storage = { connect_timeout_ms = 7; };", "storage.connect_timeout_ms"},
      {"storage = { deadline_ms = 7; };", "storage.deadline_ms"},
      {"storage = { max_pending = 7; };", "storage.max_pending"},
      {"storage = { key_prefix = \"p\"; };", "storage.key_prefix, storage.shared_file"},
      {"storage = { shared_file = \"/run/s\"; };", "storage.shared_file"},
      {"storage = { shared_memory_mb = 7; };", "storage.shared_memory_mb"},
      {"sessions = { secret_file = \"other\"; };", "sessions.secret_file"},
      {"fastcgi = { max_body_bytes = 7; };", "fastcgi.max_body_bytes"},
      {"fastcgi = { max_params_bytes = 2048; };", "fastcgi.max_params_bytes"},
      {"fastcgi = { max_connections = 7; };", "fastcgi.max_connections"},
      {"fastcgi = { stall_timeout_ms = 700; };", "fastcgi.stall_timeout_ms"},
      {"log = { level = \"debug\"; };", "log.level"},
  };
  for (const auto& [text, names] : rows) {
    EXPECT_EQ(settings_for_restart(running, read(text + "\n")), names) << text;
  }
}

TEST_F(ReloadTest, TheRestTakesNone) {
  const config::Config running = read("log = {};\n");
  for (const char* text :
       {"log = {};\n", "sessions = { lifetime_s = 60; };\n", "status = { tenants = 7; };\n",
        "penalty = { after = 7; };\n", "new_buckets = { per_tenant = 7; };\n",
        "client_address = { ipv6_prefix = 56; };\n"}) {
    EXPECT_EQ(settings_for_restart(running, read(text)), "") << text;
  }
}

TEST_F(ReloadTest, RulesAreWhatTheConfigSays) {
  const policy::Rules rules =
      rules_of(read("sessions = { lifetime_s = 60; };\nstatus = { tenants = 7; };\n"
                    "penalty = { after = 3; };\nnew_buckets = { per_tenant = 9; };\n"
                    "client_address = { ipv6_prefix = 56; };\n"));
  EXPECT_EQ(rules.session_lifetime, std::chrono::seconds(60));
  EXPECT_EQ(rules.most_tenants, 7U);
  EXPECT_EQ(rules.limiter.penalty.after, 3);
  EXPECT_EQ(rules.limiter.newcomers.per_tenant, 9);
  EXPECT_EQ(rules.identity.ipv6_prefix, 56);
  ASSERT_NE(rules.plans, nullptr);
}

}  // namespace
}  // namespace sluice
