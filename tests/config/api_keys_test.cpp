// The section `api_keys`, and the file that it names.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/load_fixture.h"
#include "identity/credentials/api_key_file.h"

namespace sluice::config {
namespace {

const std::string kTenants = R"(
plans = ( { id = "p"; limits = (
  { name = "chat"; routes = ( "chat" ); scope = "user"; rate = "1/s"; },
  { name = "key"; routes = ( "chat" ); scope = "tenant+api_key"; rate = "1/s"; } ); } );
tenants = ( { id = "acme"; plan = "p"; }, { id = "globex"; plan = "p"; } );
)";
const std::string kSection = "api_keys = { file = \"sluice.keys\"; };\n";

std::string line(const std::string& id, const std::string& tenant, char digit) {
  return id + " " + tenant + " alice " + std::string(64, digit) + " 2026-01-31T12:00:00Z\n";
}

class ConfigApiKeys : public Load {
 protected:
  void write_keys(const std::string& text) const {
    ::chmod(write(text, "sluice.keys").c_str(), 0640);
  }
};

TEST_F(ConfigApiKeys, AreReadFromTheFileBesideTheConfig) {
  write_keys("# ours\n" + line("k1", "acme", '1') + line("k2", "globex", '2'));
  const auto config = load_text(kTenants + kSection);
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->api_key_file, (folder_ / "sluice.keys").string());
  ASSERT_TRUE(config->policy.identity.api_keys);
  EXPECT_EQ(config->policy.identity.api_keys->size(), 2U);
  EXPECT_EQ(config->policy.identity.api_keys->find_id("k2")->tenant, "globex");
}

TEST_F(ConfigApiKeys, OfAFileThatDoesNotExistAreNone) {
  const auto config = load_text(kSection);
  ASSERT_TRUE(config) << config.error().detail;
  ASSERT_TRUE(
      config->policy.identity.api_keys);  // so a key that is shown is looked at, and refused
  EXPECT_EQ(config->policy.identity.api_keys->size(), 0U);
}

TEST_F(ConfigApiKeys, MayBeInAnyFolder) {
  const std::string path = (folder_ / "elsewhere.keys").string();
  ::chmod(write(line("k1", "acme", '1'), "elsewhere.keys").c_str(), 0640);
  const auto config = load_text(kTenants + "api_keys = { file = \"" + path + "\"; };\n");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->api_key_file, path);
  EXPECT_EQ(config->policy.identity.api_keys->size(), 1U);
}

TEST_F(ConfigApiKeys, WhatIsWrongWithTheFileIsToldWithAllElse) {
  write_keys(line("k1", "acme", '1') + "nonsense\n" + line("k3", "acne", '3') +
             line("k1", "acme", '4'));
  EXPECT_EQ(error_in("log = { level = 1; };\n" + kSection + kTenants),
            "test.cfg:1: \"level\" must be a string, not an integer\n"
            "sluice.keys:2: has 1 words; a line is ID TENANT USER HASH CREATED\n"
            "sluice.keys:3: no tenant is named \"acne\"; did you mean \"acme\"?; or remove the "
            "key: sluice key revoke k3\n"
            "sluice.keys:4: duplicate ID; the first is in line 1");
}

TEST_F(ConfigApiKeys, AFileThatCannotBeReadIsRefused) {
  std::filesystem::create_directory(folder_ / "sluice.keys");
  EXPECT_EQ(error_in(kSection), "sluice.keys: cannot be read: it is not a regular file");
}

TEST_F(ConfigApiKeys, AFileThatEverybodyMayWriteIsRefused) {
  ::chmod(write("", "sluice.keys").c_str(), 0666);
  EXPECT_EQ(error_in(kSection), "sluice.keys: everybody may add keys; chmod o-w");
}

TEST_F(ConfigApiKeys, AreNotReadForWhoMendsTheFile) {
  write_keys("nonsense\n");
  auto options = load_options();
  options.read_api_keys = false;
  const auto config = load_text(kTenants + kSection, options);
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->api_key_file, (folder_ / "sluice.keys").string());
  EXPECT_FALSE(config->policy.identity.api_keys);
}

}  // namespace
}  // namespace sluice::config
