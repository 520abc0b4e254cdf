#include "config/tenants/tenant_text.h"

#include <limits>

#include <fmt/format.h>

namespace sluice::config {
namespace {

Figure read_figure(const Value& value) {
  switch (figure_kind(value.name())) {
    case FigureKind::kText:
      break;
    case FigureKind::kInteger:
      using Limits = std::numeric_limits<std::int64_t>;
      return value.integer(Limits::min(), Limits::max()).value_or(0);
    case FigureKind::kTexts:
      std::vector<std::string> texts;
      for (const Value& element : value.elements().value_or(std::vector<Value>())) {
        texts.push_back(element.text().value_or(""));
      }
      return texts;
  }
  return value.text().value_or("");
}

LimitText read_limit_text(const Value& group) {
  LimitText limit;
  for (const Value& member : group.members().value_or(std::vector<Value>())) {
    if (member.name() == "name") {
      limit.name = member.text().value_or("");
    } else {
      limit.figures.emplace_back(member.name(), read_figure(member));
    }
  }
  return limit;
}

TenantText read_tenant_text(const Value& group) {
  TenantText tenant;
  for (const Value& member : group.members().value_or(std::vector<Value>())) {
    if (member.name() == "id") tenant.id = member.text().value_or("");
    if (member.name() == "plan") tenant.plan = member.text();
    if (member.name() != "limits") continue;
    for (const Value& limit : member.elements().value_or(std::vector<Value>())) {
      tenant.limits.push_back(read_limit_text(limit));
    }
  }
  return tenant;
}

// A string of libconfig, on one line.
std::string libconfig_string(std::string_view text) {
  std::string written = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      written += fmt::format("\\x{:02x}", byte);
    } else {
      if (c == '"' || c == '\\') written += '\\';
      written += c;
    }
  }
  return written += '"';
}

std::string figure_text(const Figure& figure) {
  if (const auto* text = std::get_if<std::string>(&figure)) return libconfig_string(*text);
  if (const auto* number = std::get_if<std::int64_t>(&figure)) {
    using Limits = std::numeric_limits<std::int32_t>;
    const bool is_wide = *number < Limits::min() || *number > Limits::max();
    return fmt::format("{}{}", *number, is_wide ? "L" : "");
  }
  std::string list;
  for (const std::string& text : std::get<std::vector<std::string>>(figure)) {
    list.append(list.empty() ? " " : ", ").append(libconfig_string(text));
  }
  return fmt::format("({} )", list);
}

}  // namespace

FigureKind figure_kind(std::string_view key) {
  if (key == "burst") return FigureKind::kInteger;
  return key == "routes" ? FigureKind::kTexts : FigureKind::kText;
}

std::vector<TenantText> read_tenant_texts(const Value& list) {
  std::vector<TenantText> tenants;
  for (const Value& element : list.elements().value_or(std::vector<Value>())) {
    tenants.push_back(read_tenant_text(element));
  }
  return tenants;
}

std::string config_text(const TenantText& tenant) {
  std::string text = fmt::format("{{ id = {};", libconfig_string(tenant.id));
  if (tenant.plan) text += fmt::format(" plan = {};", libconfig_string(*tenant.plan));
  std::string limits;
  for (const LimitText& limit : tenant.limits) {
    limits +=
        fmt::format("{}{{ name = {};", limits.empty() ? " " : ", ", libconfig_string(limit.name));
    for (const auto& [key, figure] : limit.figures) {
      limits += fmt::format(" {} = {};", key, figure_text(figure));
    }
    limits += " }";
  }
  if (!limits.empty()) text += fmt::format(" limits = ({} );", limits);
  return text += " }";
}

}  // namespace sluice::config
