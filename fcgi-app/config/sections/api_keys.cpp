#include "config/sections/api_keys.h"

#include <array>

#include <fmt/format.h>

#include "identity/credentials/api_key_file.h"

namespace sluice::config {
namespace {

constexpr std::array<Key<ApiKeySettings>, 1> kApiKeysKeys{{
    {"file",
     [](const Value& value, ApiKeySettings& settings) {
       const auto file = value.text();
       if (!file) return;
       if (file->empty()) value.complain("\"file\" is empty; name a file");
       settings.file = *file;
     },
     true},
}};

}  // namespace

ApiKeySettings read_api_keys_section(const Value& group, const std::filesystem::path& folder) {
  ApiKeySettings settings;
  read_group<ApiKeySettings>(group, kApiKeysKeys, settings);
  if (!settings.file.empty()) settings.file = (folder / settings.file).string();
  return settings;
}

std::shared_ptr<const identity::ApiKeys> read_api_keys(const std::string& path,
                                                       const limits::Plans& plans, Report& report) {
  const std::size_t file = report.add_file(path);
  const auto text = identity::read_api_key_file(path);
  if (!text) {
    report.complain({file, 0}, text.error().detail);
    return nullptr;
  }
  identity::ApiKeyList list = identity::parse_api_keys(*text);
  for (auto& [line, what] : list.complaints) report.complain({file, line}, std::move(what));
  std::vector<std::string_view> tenants;
  for (const auto& entry : plans.tenants()) tenants.push_back(entry.first);
  for (const identity::ApiKey& key : list.keys) {
    if (plans.has_tenant(key.tenant)) continue;
    report.complain({file, key.line},
                    fmt::format("no tenant is named \"{}\"{}; or sluice key revoke {}", key.tenant,
                                hint(key.tenant, tenants), key.id));
  }
  if (!report.empty()) return nullptr;
  return std::make_shared<const identity::ApiKeys>(std::move(list.keys));
}

std::vector<std::string> api_keys_keys() {
  std::vector<std::string> names;
  append_keys<ApiKeySettings>(names, "api_keys", kApiKeysKeys);
  return names;
}

}  // namespace sluice::config
