// What the tests of load() share.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "config/load.h"
#include "temporary_directory.h"

namespace sluice::config {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline LoadOptions load_options() {
  LoadOptions options;
  options.routes = {"status", "session", "chat"};
  return options;
}

// What load() found wrong, with the files of `folder` relative to it.
inline std::string error_of(const Result<Loaded>& config, const std::filesystem::path& folder) {
  if (config) return "no error";
  EXPECT_EQ(config.error().code, ErrorCode::kInvalidConfig);
  std::string detail = config.error().detail;
  const std::string prefix = folder.string() + "/";
  for (std::size_t at = 0; (at = detail.find(prefix)) != std::string::npos;) {
    detail.erase(at, prefix.size());
  }
  return detail;
}

inline void expect_default_options(const Loaded& config, const std::filesystem::path& folder) {
  const redis::Link::Options redis;
  EXPECT_EQ(config.deployment.store.kind, store::Kind::kRedis);
  EXPECT_EQ(config.deployment.store.text(), "redis://127.0.0.1:6379/0");
  EXPECT_EQ(config.deployment.store.redis.wire.connect_timeout, redis.wire.connect_timeout);
  EXPECT_EQ(config.deployment.store.redis.wire.command_timeout, redis.wire.command_timeout);
  EXPECT_EQ(config.deployment.store.redis.wire.max_pending, redis.wire.max_pending);
  EXPECT_EQ(config.deployment.key_prefix, limiter::KeySpace{}.prefix);
  EXPECT_EQ(config.deployment.secrets.file, (folder / SessionSecrets{}.file).string());
  EXPECT_EQ(config.policy.session_lifetime, policy::Options{}.session_lifetime);
  EXPECT_EQ(config.policy.identity.ipv6_prefix, identity::Resolver::Options{}.ipv6_prefix);
  ASSERT_EQ(config.policy.identity.nat64_prefixes.size(), 1U);
  EXPECT_TRUE(v4_in(*identity::parse_address("64:ff9b::1"), config.policy.identity.nat64_prefixes));
  EXPECT_TRUE(config.policy.identity.trusted_proxies.empty());
  for (const auto* list :
       {&config.policy.identity.access.exempt, &config.policy.identity.access.deny}) {
    EXPECT_TRUE(list->networks.empty());
    EXPECT_TRUE(list->tenants.empty());
  }
  EXPECT_TRUE(config.policy.identity.headers.empty());
  EXPECT_EQ(config.api_key_file, "");
  EXPECT_EQ(config.policy.identity.api_keys, nullptr);
  EXPECT_TRUE(config.policy.costs.empty());
  const fcgi::Server::Options server;
  EXPECT_EQ(config.deployment.server.bounds.max_body_bytes, server.bounds.max_body_bytes);
  EXPECT_EQ(config.deployment.server.bounds.max_params_bytes, server.bounds.max_params_bytes);
  EXPECT_EQ(config.deployment.server.max_connections, server.max_connections);
  EXPECT_EQ(config.deployment.server.stall_timeout, server.stall_timeout);
  EXPECT_EQ(config.policy.most_tenants, policy::Options{}.most_tenants);
  EXPECT_EQ(config.deployment.log_level, telemetry::Level::kInfo);
}

// A folder of its own for one test.
class Load : public testing::Test {
 protected:
  std::filesystem::path write(std::string_view text, const std::string& name = "test.cfg") const {
    std::filesystem::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  [[nodiscard]] Result<Loaded> load_text(std::string_view text,
                                         const LoadOptions& options = load_options()) const {
    return load(write(text).string(), options);
  }

  // What is wrong with `text`.
  [[nodiscard]] std::string error_in(std::string_view text,
                                     const LoadOptions& options = load_options()) const {
    return error_of(load_text(text, options), folder_);
  }

  const TemporaryDirectory directory_;
  const std::filesystem::path folder_ = directory_.path();
};

inline const limits::PlanLimit& only_limit(const Loaded& config, const std::string& tenant) {
  const auto& list = config.policy.plans->tenants().at(tenant);
  EXPECT_EQ(list.size(), 1U);
  return list.front();
}

}  // namespace sluice::config
