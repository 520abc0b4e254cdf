#include "config/sections/access.h"

#include <array>

#include <fmt/format.h>

namespace sluice::config {
namespace {

constexpr std::string_view kTenantPrefix = "tenant:";

struct AccessDraft {
  const limits::Plans& plans;
  identity::Access access = {};
};

void read_tenant(const Value& value, const std::string& id, const limits::Plans& plans,
                 identity::AccessList& list) {
  if (!plans.has_tenant(id)) {
    std::vector<std::string_view> known;
    for (const auto& entry : plans.tenants()) known.push_back(entry.first);
    value.complain(fmt::format("no tenant is named \"{}\"{}", id, hint(id, known)));
  }
  list.tenants.insert(id);
}

void read_list(const Value& value, const limits::Plans& plans, identity::AccessList& list) {
  const auto elements = value.elements();
  if (!elements) return;
  for (const Value& element : *elements) {
    const auto text = element.text();
    if (!text) continue;
    if (text->starts_with(kTenantPrefix)) {
      read_tenant(element, text->substr(kTenantPrefix.size()), plans, list);
    } else if (const auto network = identity::parse_network(*text)) {
      list.networks.push_back(*network);
    } else if (plans.has_tenant(*text)) {
      element.complain(
          fmt::format("\"{}\" is a tenant; write \"{}{}\"", *text, kTenantPrefix, *text));
    } else {
      element.complain(network.error().detail);
    }
  }
}

constexpr std::array<Key<AccessDraft>, 2> kAccessKeys{{
    {"exempt", [](const Value& value,
                  AccessDraft& draft) { read_list(value, draft.plans, draft.access.exempt); }},
    {"deny", [](const Value& value,
                AccessDraft& draft) { read_list(value, draft.plans, draft.access.deny); }},
}};

}  // namespace

identity::Access read_access(const Value& group, const limits::Plans& plans) {
  AccessDraft draft{plans};
  read_group<AccessDraft>(group, kAccessKeys, draft);
  return std::move(draft.access);
}

std::vector<std::string> access_keys() {
  std::vector<std::string> names;
  append_keys<AccessDraft>(names, "access", kAccessKeys);
  return names;
}

}  // namespace sluice::config
