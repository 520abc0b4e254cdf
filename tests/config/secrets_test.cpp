#include <filesystem>

#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

class LoadSecrets : public Load {};

TEST_F(LoadSecrets, TakesTheSecretsOfTheEnvironmentBeforeAnyFile) {
  auto options = load_options();
  const std::string secret(64, '7');
  options.secrets = secret + "," + std::string(64, '8');
  const auto config = load_text("log = {};\n", options);
  ASSERT_TRUE(config) << config.error().detail;
  for (const auto& secrets :
       {config->deployment.secrets.read(), config->deployment.secrets.load()}) {
    ASSERT_TRUE(secrets) << secrets.error().detail;
    ASSERT_EQ(secrets->size(), 2U);
    EXPECT_EQ(secrets->front()[0], 0x77);
  }
  EXPECT_FALSE(std::filesystem::exists(config->deployment.secrets.file));
  options.secrets = secret + "," + secret.substr(1);
  EXPECT_EQ(error_in("log = { level = \"loud\"; };\n", options),
            "test.cfg:1: unknown level \"loud\"; use debug, info, warning or error\n"
            "SLUICE_SECRETS: secret 2 is not 64 hex digits; several have a comma between");
}

}  // namespace
}  // namespace sluice::config
