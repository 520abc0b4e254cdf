#include "config/tenants/tenant_lines.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/character.h"
#include "config/sections/limit_entry.h"
#include "http/json.h"
#include "limits/rate.h"

namespace sluice::config {
namespace {

using http::JsonMember;
using http::JsonObject;

constexpr std::string_view kPer = "_per_";
constexpr std::array<std::string_view, 3> kMembers{"id", "plan", "limits"};

// Whether a limit, or one of its rates, could be named so.
bool is_spelled_as_id(std::string_view name) {
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

// Reads one line. Once it has complained, it goes on, to find what else is wrong.
class LineReader {
 public:
  LineReader(unsigned number, TenantLines& lines) : number_(number), lines_(lines) {}

  void read(std::string_view line) {
    if (auto unseen = unseen_in(line)) return complain(std::move(*unseen));
    const http::JsonScan scan = http::scan_json(line);
    if (scan.fault) {
      return complain(
          fmt::format("is no JSON, at byte {}: {}", scan.fault->at + 1, scan.fault->what));
    }
    const auto object = JsonObject::parse(line);
    if (!object) return complain("must be an object, as in {\"id\":\"acme\",\"plan\":\"chat\"}");
    read_tenant(*object);
  }

 private:
  void read_tenant(const JsonObject& object) {
    if (!has_each_once(object)) return;
    for (const JsonMember& member : object.members()) {
      (void)is_known(member.name, "", kMembers);
    }
    const auto id = value_of(object.string("id"));
    const auto plan = value_of(object.string("plan"));
    if (const auto limits = value_of(object.object("limits")); limits && has_each_once(*limits)) {
      for (const JsonMember& member : limits->members()) read_limit(*limits, member);
    }
    if (!id && is_sound_) complain("missing member \"id\"");
    if (!id) return;
    if (plan) tenant_.plan = std::string(*plan);
    if (!is_sound_) tenant_.limits.clear();
    tenant_.id = std::string(*id);
    lines_.lines.push_back({number_, std::move(tenant_)});
  }

  void read_limit(const JsonObject& limits, const JsonMember& member) {
    if (!is_spelled_as_id(member.name)) {
      complain(fmt::format("invalid limit name \"{}\"; use {}", member.name, kIdRule));
    } else if (member.value.starts_with('{')) {
      read_figures(std::string(member.name), *value_of(limits.object(member.name)));
    } else if (member.value.find_first_not_of("-0123456789") != std::string_view::npos) {
      complain(fmt::format("\"{}\" must be a quota, as in \"chat_per_10s\":8, or an object",
                           member.name));
    } else if (const auto quota = value_of(limits.integer(member.name))) {
      read_rate(member.name, *quota);
    }
  }

  void read_rate(std::string_view label, std::int64_t quota) {
    const std::size_t at = label.rfind(kPer);
    if (at == std::string_view::npos) {
      return complain(fmt::format(
          "\"{}\" has a quota and no window; use \"{}_per_10s\" or the like", label, label));
    }
    const auto rate =
        limits::parse_rate(fmt::format("{}/{}", quota, label.substr(at + kPer.size())));
    if (!rate) return complain(fmt::format("\"{}\": rate {}", label, rate.error().detail));
    const std::string text = limits::Limit{.name = "", .rate = *rate}.text();
    LimitText* const known = find(label.substr(0, at));
    if (!known) {
      tenant_.limits.push_back({std::string(label.substr(0, at)), {{"rate", text}}});
    } else if (written_out_.contains(known->name)) {
      complain_of_both(known->name);
    } else {
      std::get<std::string>(known->figures.front().second).append("; ").append(text);
    }
  }

  void read_figures(const std::string& name, const JsonObject& object) {
    if (!has_each_once(object)) return;
    if (find(name)) return complain_of_both(name);
    written_out_.insert(name);
    std::vector<std::string_view> keys;
    for (const auto& key : tenant_keys()) {
      if (key.name != "name") keys.push_back(key.name);
    }
    LimitText limit{name};
    for (const JsonMember& member : object.members()) {
      if (!is_known(member.name, name, keys)) continue;
      if (auto figure = read_figure(object, member.name)) {
        limit.figures.emplace_back(member.name, std::move(*figure));
      }
    }
    tenant_.limits.push_back(std::move(limit));
  }

  std::optional<Figure> read_figure(const JsonObject& object, std::string_view key) {
    switch (figure_kind(key)) {
      case FigureKind::kText:
        break;
      case FigureKind::kInteger:
        return figure_of(value_of(object.integer(key)));
      case FigureKind::kTexts:
        return figure_of(value_of(object.strings(key)));
    }
    const auto text = value_of(object.string(key));
    return text ? std::optional<Figure>(std::string(*text)) : std::nullopt;
  }

  template <class T>
  static std::optional<Figure> figure_of(std::optional<T> value) {
    return value ? std::optional<Figure>(std::move(*value)) : std::nullopt;
  }

  [[nodiscard]] bool is_known(std::string_view name, std::string_view limit, Words known) {
    if (std::find(known.begin(), known.end(), name) != known.end()) return true;
    const std::string where = limit.empty() ? "" : fmt::format(" of limit \"{}\"", limit);
    complain(fmt::format("unknown member \"{}\"{}{}", name, where, hint(name, known)));
    return false;
  }

  [[nodiscard]] bool has_each_once(const JsonObject& object) {
    std::set<std::string_view> names;
    for (const JsonMember& member : object.members()) {
      if (names.insert(member.name).second) continue;
      complain(fmt::format("has member \"{}\" twice; remove one", member.name));
      return false;
    }
    return true;
  }

  [[nodiscard]] LimitText* find(std::string_view name) {
    const auto found = std::find_if(tenant_.limits.begin(), tenant_.limits.end(),
                                    [&](const LimitText& limit) { return limit.name == name; });
    return found == tenant_.limits.end() ? nullptr : &*found;
  }

  // The value, where there is one; an error is complained of.
  template <class T>
  std::optional<T> value_of(Result<std::optional<T>> read) {
    if (read) return std::move(*read);
    complain(read.error().detail);
    return std::nullopt;
  }

  void complain_of_both(std::string_view name) {
    complain(fmt::format(
        "limit \"{}\" stands twice, as an object and with a quota; put \"rate\" into the object",
        name));
  }

  void complain(std::string what) {
    is_sound_ = false;
    lines_.complaints.push_back({number_, std::move(what)});
  }

  unsigned number_;
  TenantLines& lines_;
  TenantText tenant_ = {};
  std::set<std::string, std::less<>> written_out_;  // the limits that are an object
  bool is_sound_ = true;
};

// The rates of a limit that says nothing else, as labels and quotas. Nothing if they cannot be told
// so.
std::vector<limits::Limit> lone_rates(const LimitText& limit, const TenantText& tenant) {
  std::vector<limits::Limit> labelled;
  if (limit.figures.size() != 1 || limit.figures.front().first != "rate") return labelled;
  const auto rates = limits::parse_rates(std::get<std::string>(limit.figures.front().second));
  if (!rates) return labelled;
  for (const limits::Rate& rate : *rates) labelled.push_back({.name = limit.name, .rate = rate});
  const bool is_taken = std::any_of(labelled.begin(), labelled.end(), [&](const auto& rate) {
    return std::any_of(tenant.limits.begin(), tenant.limits.end(),
                       [&](const LimitText& other) { return other.name == rate.label(); });
  });
  if (is_taken) labelled.clear();
  return labelled;
}

http::JsonWriter written_out(const LimitText& limit) {
  http::JsonWriter object;
  for (const auto& [key, figure] : limit.figures) {
    if (const auto* text = std::get_if<std::string>(&figure)) {
      object.set(key, *text);
    } else if (const auto* number = std::get_if<std::int64_t>(&figure)) {
      object.set(key, *number);
    } else {
      http::JsonArray array;
      for (const auto& element : std::get<std::vector<std::string>>(figure)) array.add(element);
      object.set(key, array);
    }
  }
  return object;
}

}  // namespace

TenantLines read_tenant_lines(std::string_view text, std::string file) {
  TenantLines lines{std::move(file), {}, {}};
  text = without_byte_order_mark(text);
  for (unsigned number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);  // of an editor on Windows
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    LineReader(number, lines).read(line);
  }
  return lines;
}

std::string json_text(const TenantText& tenant) {
  http::JsonWriter object;
  object.set("id", tenant.id);
  if (tenant.plan) object.set("plan", *tenant.plan);
  http::JsonWriter limits;
  for (const LimitText& limit : tenant.limits) {
    const auto rates = lone_rates(limit, tenant);
    for (const limits::Limit& rate : rates) limits.set(rate.label(), rate.quota());
    if (rates.empty()) limits.set(limit.name, written_out(limit));
  }
  if (!tenant.limits.empty()) object.set("limits", limits);
  return object.text();
}

std::string section_text(const TenantLines& lines) {
  std::string text = "tenants = (";
  unsigned at = 1;
  for (const auto& [number, tenant] : lines.lines) {
    if (&tenant != &lines.lines.front().tenant) text += ',';
    text.append(number - at, '\n').append(config_text(tenant));
    at = number;
  }
  return text += ");";
}

}  // namespace sluice::config
