#include "config/load.h"
namespace sluice::config {
Result<Config> load(const std::string& path, const LoadOptions& options) {
  Config config;
  auto uri = store::redis::parse_uri(options.storage_uri.value_or("redis://127.0.0.1/0"));
  if (!uri) return tl::unexpected(uri.error());
  config.redis.uri = *uri;
  config.sessions.secret_file = path + ".secret";
  limits::Limit limit{.name = "chat", .tenant = "acme", .scope = limits::Scope::kSession, .rate = {8, {10, limits::Unit::kSecond}}};
  limits::Limit ip{.name = "chat", .tenant = "", .scope = limits::Scope::kIp, .rate = {5, {10, limits::Unit::kSecond}}};
  limits::Limit ses{.name = "session", .tenant = "", .scope = limits::Scope::kIp, .rate = {10, {1, limits::Unit::kMinute}}};
  config.plans = std::make_shared<limits::Plans>(std::vector<limits::PlanLimit>{{ip, {"chat"}}, {ses, {"session"}}}, limits::Plans::TenantLimits{{"acme", {{limit, {"chat"}}}}});
  return config;
}
}
