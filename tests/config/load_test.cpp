#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;
using limits::Fact;
using limits::OnStoreError;
using limits::Scope;

const fs::path kFixtures = fs::path(SLUICE_SOURCE_DIR) / "tests/fixtures/config";

std::vector<fs::path> fixtures_with(std::string_view extension) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(kFixtures)) {
    if (entry.path().extension() == extension) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

class BadConfig : public testing::TestWithParam<fs::path> {};

TEST_P(BadConfig, IsRefusedWithExactlyTheExpectedMessage) {
  const auto config = load(GetParam().string(), load_options());
  std::string expected = read_file(fs::path(GetParam()).replace_extension(".expected"));
  if (expected.ends_with('\n')) expected.pop_back();
  EXPECT_EQ(error_of(config, kFixtures), expected);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, BadConfig, testing::ValuesIn(fixtures_with(".cfg")),
                         [](const auto& test) { return test.param.stem().string(); });

TEST(BadConfigs, EachHaveTheirExpectedMessage) {
  const auto configs = fixtures_with(".cfg");
  auto expected = fixtures_with(".expected");
  for (fs::path& path : expected) path.replace_extension(".cfg");
  EXPECT_EQ(configs, expected);
  EXPECT_GE(configs.size(), 90U);
}

TEST_F(Load, AFileWithoutSettingsIsRefused) {
  for (const char* text : {"", "# nothing yet\n"}) {
    const auto config = load_text(text);
    ASSERT_FALSE(config);
    EXPECT_THAT(config.error().detail,
                testing::EndsWith("has no settings; start from conf/sluice.cfg"));
  }
}

TEST_F(Load, WhatIsNotSetHasItsDefault) {
  const auto config = load_text("log = {};");
  ASSERT_TRUE(config) << config.error().detail;
  expect_default_options(*config, folder_);
  EXPECT_TRUE(config->policy.plans->defaults().empty());
  EXPECT_TRUE(config->policy.plans->tenants().empty());
}

TEST_F(Load, ReadsEverySetting) {
  const auto config = load_text(R"(
storage = { uri = "unix:///run/redis.sock?db=3"; connect_timeout_ms = 1; deadline_ms = 60000;
            max_pending = 7; key_prefix = "blue"; };
sessions = { secret_file = "/etc/secret"; lifetime_s = 31622400; };
client_address = { ipv6_prefix = 56; trusted_proxies = ( "10.0.0.0/8", "2001:db8::1" );
  nat64_prefixes = ( "2001:db8:64::/96" ); };
fastcgi = { max_body_bytes = 16777216; max_params_bytes = 1024; max_connections = 1;
            stall_timeout_ms = 100; };
new_buckets = { per_tenant = 9; per_network = 8; };
penalty = { after = 3; first_s = 4; most_s = 5; forget_s = 6; };
status = { tenants = 7; };
log = { level = "debug"; };
)");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->deployment.store.text(), "unix:///run/redis.sock?db=3");
  EXPECT_EQ(config->deployment.store.redis.wire.connect_timeout, loop::Milliseconds(1));
  EXPECT_EQ(config->deployment.store.redis.wire.command_timeout, loop::Milliseconds(60'000));
  EXPECT_EQ(config->deployment.store.redis.wire.max_pending, 7U);
  EXPECT_EQ(config->deployment.key_prefix, "blue");
  EXPECT_EQ(config->deployment.secrets.file, "/etc/secret");
  EXPECT_EQ(config->policy.session_lifetime, std::chrono::days(366));
  EXPECT_EQ(config->policy.identity.ipv6_prefix, 56);
  ASSERT_EQ(config->policy.identity.nat64_prefixes.size(), 1U);
  EXPECT_TRUE(
      v4_in(*identity::parse_address("2001:db8:64::1"), config->policy.identity.nat64_prefixes));
  ASSERT_EQ(config->policy.identity.trusted_proxies.size(), 2U);
  EXPECT_TRUE(config->policy.identity.trusted_proxies[0].matches("10.1.2.3"));
  EXPECT_TRUE(config->policy.identity.trusted_proxies[1].matches("2001:db8::1"));
  EXPECT_EQ(config->deployment.server.bounds.max_body_bytes, 16'777'216U);
  EXPECT_EQ(config->deployment.server.bounds.max_params_bytes, 1024U);
  EXPECT_EQ(config->deployment.server.max_connections, 1U);
  EXPECT_EQ(config->deployment.server.stall_timeout, loop::Milliseconds(100));
  EXPECT_EQ(config->policy.newcomers.per_tenant, 9);
  EXPECT_EQ(config->policy.newcomers.per_network, 8);
  EXPECT_EQ(config->policy.penalty.after, 3);
  EXPECT_EQ(config->policy.penalty.first, std::chrono::seconds(4));
  EXPECT_EQ(config->policy.penalty.most, std::chrono::seconds(5));
  EXPECT_EQ(config->policy.penalty.forget, std::chrono::seconds(6));
  EXPECT_EQ(config->policy.most_tenants, 7U);
  EXPECT_EQ(config->deployment.log_level, telemetry::Level::kDebug);
}

TEST_F(Load, TakesInt64AsItTakesInt) {
  const auto config = load_text("storage = { max_pending = 7L; deadline_ms = 0x10; };\n");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->deployment.store.redis.wire.max_pending, 7U);
  EXPECT_EQ(config->deployment.store.redis.wire.command_timeout, loop::Milliseconds(16));
}

TEST_F(Load, RefusesAnIntegerThatLibconfigWouldWrap) {
  EXPECT_EQ(error_in("storage = {\n  max_pending = 5000000000; };\n"),
            "test.cfg:2: integer 5000000000 needs more than 32 bits: write 5000000000L");
  EXPECT_EQ(error_in("storage = {\n  max_pending = 5000000000L; };\n"),
            "test.cfg:2: \"max_pending\" must be from 1 to 1000000, not 5000000000");
}

TEST_F(Load, LooksForTheSecretBesideTheFileUnlessTheEnvironmentNamesOne) {
  auto options = load_options();
  const std::string text = "sessions = { secret_file = \"keys/s\"; };\n";
  EXPECT_EQ(load_text(text, options)->deployment.secrets.file, (folder_ / "keys/s").string());
  options.secret_file = "run/secret";
  EXPECT_EQ(load_text(text, options)->deployment.secrets.file, "run/secret");
}

TEST_F(Load, GivesATenantItsPlanWithItsOwnFigures) {
  const auto config = load_text(R"(
tenants = (
  { id = "acme"; plan = "pro"; limits = (
      { name = "day"; rate = "100/day"; },
      { name = "chat"; on_store_error = "allow"; algorithm = "fixed_window"; } ); },
  { id = "globex"; plan = "pro"; }
);
plans = ( { id = "pro"; limits = (
  { name = "chat"; routes = ( "chat" ); scope = "session"; rate = "8/10s"; },
  { name = "day"; routes = [ "chat", "session" ]; scope = "tenant"; rate = "50/day"; } ); } );
)");
  ASSERT_TRUE(config) << config.error().detail;
  struct Row {
    std::string tenant;
    std::size_t limit;
    std::string text;
    Scope scope;
    OnStoreError on_store_error;
  };
  const std::vector<Row> rows{
      {"acme", 0, "8 per 10 seconds", Fact::kSession, OnStoreError::kAllow},
      {"acme", 1, "100 per 1 day", Fact::kTenant, OnStoreError::kDeny},
      {"globex", 0, "8 per 10 seconds", Fact::kSession, OnStoreError::kDeny},
      {"globex", 1, "50 per 1 day", Fact::kTenant, OnStoreError::kDeny},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.tenant + " " + row.text);
    const limits::PlanLimit& limit = config->policy.plans->tenants().at(row.tenant).at(row.limit);
    EXPECT_EQ(limit.limit.tenant, row.tenant);
    EXPECT_EQ(limit.limit.text(), row.text);
    EXPECT_EQ(limit.limit.scope, row.scope);
    EXPECT_EQ(limit.limit.on_store_error, row.on_store_error);
  }
  EXPECT_EQ(config->policy.plans->tenants().at("acme")[1].routes,
            (std::vector<std::string>{"chat", "session"}));
}

TEST_F(Load, ReadsWhoIsExemptAndWhoIsDenied) {
  const auto config = load_text(R"(
access = { exempt = ( "10.0.0.0/8", "tenant:acme", "2001:db8::/32" );
           deny = [ "203.0.113.7", "tenant:globex" ]; };
plans = ( { id = "p"; limits = ( ); } );
tenants = ( { id = "acme"; plan = "p"; }, { id = "globex"; plan = "p"; } );
)");
  ASSERT_TRUE(config) << config.error().detail;
  const identity::Access& access = config->policy.identity.access;
  EXPECT_TRUE(access.exempt.has_address("10.1.2.3"));
  EXPECT_TRUE(access.exempt.has_address("2001:db8::1"));
  EXPECT_FALSE(access.exempt.has_address("203.0.113.7"));
  EXPECT_TRUE(access.exempt.has_tenant("acme"));
  EXPECT_FALSE(access.exempt.has_tenant("globex"));
  EXPECT_TRUE(access.deny.has_address("203.0.113.7"));
  EXPECT_FALSE(access.deny.has_address("203.0.113.8"));
  EXPECT_TRUE(access.deny.has_tenant("globex"));
}

TEST_F(Load, TakesAsManyLimitsOnARouteAsARequestMayHave) {
  std::string plan = "plans = ( { id = \"p\"; limits = (";
  for (std::size_t i = 0; i < limits::kMaxLimits; ++i) {
    plan += (i == 0 ? "" : ",") + std::string("{ name = \"l") + std::to_string(i) +
            "\"; routes = ( \"chat\" ); scope = \"ip\"; rate = \"1/s\"; }";
  }
  plan += "); } );\n";
  EXPECT_TRUE(load_text(plan));
}

TEST_F(Load, TellsErrorsInTheOrderOfTheFilesAndLines) {
  write("log = { level = 1; };\n\nfastcgi = { max_connections = 0; };\n", "b.cfg");
  EXPECT_EQ(error_in("tenants = 1;\n@include \"b.cfg\"\nplans = 1;\nsesions = 99999999999;\n"),
            "test.cfg:1: \"tenants\" must be a list ( ), not an integer\n"
            "test.cfg:3: \"plans\" must be a list ( ), not an integer\n"
            "test.cfg:4: integer 99999999999 needs more than 32 bits: write 99999999999L\n"
            "test.cfg:4: unknown key \"sesions\"; did you mean \"sessions\"?\n"
            "b.cfg:1: \"level\" must be a string, not an integer\n"
            "b.cfg:3: \"max_connections\" must be from 1 to 65536, not 0");
}

// Or a config could write lines of its own into the log, and tell a terminal what to do.
TEST_F(Load, AnErrorIsOneLineWhateverItQuotes) {
  EXPECT_EQ(
      error_in("log = { level = \"a\\nb\\x1b[2J\\x7f\"; };"),
      "test.cfg:1: unknown level \"a\\x0ab\\x1b[2J\\x7f\"; use debug, info, warning or error");
}

TEST_F(Load, RefusesAPathThatIsNoReadableFile) {
  const auto load_path = [&](const fs::path& path) {
    return error_of(load(path.string(), load_options()), folder_);
  };
  EXPECT_EQ(load_path(folder_ / "absent.cfg"),
            "absent.cfg: cannot be read: No such file or directory");
  fs::create_directory(folder_ / "folder");
  EXPECT_EQ(load_path(folder_ / "folder"), "folder: cannot be read: it is a folder");
  EXPECT_EQ(load_path("/dev/null"), "/dev/null: cannot be read: it is not a regular file");
}

TEST_F(Load, RefusesAFileBeyondAMebibyte) {
  const std::string setting = "log = {};\n# ";
  const std::string comment =
      setting + std::string((std::size_t{1} << 20U) - setting.size() - 1, 'x') + "\n";
  EXPECT_TRUE(load_text(comment));
  EXPECT_EQ(error_in(comment + "\n"), "test.cfg: cannot be read: it is larger than 1048576 bytes");
  write(comment + "\n", "big.cfg");
  EXPECT_EQ(error_in("\n@include \"big.cfg\"\n"),
            "test.cfg:2: cannot include big.cfg: it is larger than 1048576 bytes");
}

TEST_F(Load, RefusesANulByteWhereverItIs) {
  using std::string_literals::operator""s;
  for (const std::string& text : {"\n\0"s, "\n# \0\n"s, "\nlog = { level = \"info\0x\"; };\n"s}) {
    EXPECT_EQ(error_in(text), "test.cfg:2: the file holds a NUL byte; a config is text");
  }
}

TEST_F(Load, ShowsTheFileAsItWasNamed) {
  write("log = 1;\n");
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  const auto config = load("test.cfg", load_options());
  fs::current_path(before);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().detail, "test.cfg:1: \"log\" must be a group { }, not an integer");
}

}  // namespace
}  // namespace sluice::config
