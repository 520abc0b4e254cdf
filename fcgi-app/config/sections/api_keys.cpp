#include "config/sections/api_keys.h"

#include <array>

#include <fmt/format.h>

#include "identity/credentials/api_key_file.h"

namespace sluice::config {
namespace {

constexpr std::array<Key<std::string>, 1> kApiKeysKeys{{
    {"file",
     [](const Value& value, std::string& file) {
       const auto text = value.text();
       if (!text) return;
       if (text->empty()) value.complain("\"file\" is empty; name a file");
       file = *text;
     },
     true},
}};

}  // namespace

std::string read_api_key_file_name(const Value& group, const std::filesystem::path& folder) {
  std::string file;
  read_group<std::string>(group, kApiKeysKeys, file);
  return file.empty() ? file : (folder / file).string();
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
    report.complain(
        {file, key.line},
        fmt::format("no tenant is named \"{}\"{}; or remove the key: sluice key revoke {}",
                    key.tenant, hint(key.tenant, tenants), key.id));
  }
  if (!report.empty()) return nullptr;
  return std::make_shared<const identity::ApiKeys>(std::move(list.keys));
}

std::vector<std::string> api_keys_keys() {
  std::vector<std::string> names;
  append_keys<std::string>(names, "api_keys", kApiKeysKeys);
  return names;
}

}  // namespace sluice::config
