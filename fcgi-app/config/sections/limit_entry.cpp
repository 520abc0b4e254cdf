#include "config/sections/limit_entry.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/ids.h"
#include "limits/calendar.h"
#include "limits/rate.h"

namespace sluice::config {
namespace {

void read_limit_name(const Value& value, LimitDraft& draft) {
  draft.named = value;
  read_name(value, draft.names, draft.name);
}

// Notes in the draft what was read of a figure; `read` is empty after a complaint.
template <class T>
void take(const Value& value, LimitDraft& draft, std::optional<T> read, std::optional<T>& figure) {
  draft.figures.insert_or_assign(value.name(), value);
  if (!read) draft.sound = false;
  figure = std::move(read);
}

std::optional<std::vector<limits::Rate>> rates(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  auto rates = limits::parse_rates(*text);
  if (rates) return std::move(*rates);
  value.complain(fmt::format("rate {}", rates.error().detail));
  return std::nullopt;
}

std::optional<std::string> time_zone(const Value& value) {
  auto text = value.text();
  if (!text || limits::is_time_zone(*text)) return text;
  value.complain(fmt::format(
      "unknown time_zone \"{}\"; use a name of tzdata such as \"UTC\" or \"Europe/Berlin\"",
      *text));
  return std::nullopt;
}

// Whether the scope has a fact that callers prove. Who does so has the limits of its tenant, and
// not the defaults.
bool is_proved(const limits::Scope& scope) {
  using limits::Fact;
  constexpr std::array kProved{Fact::kTenant, Fact::kSession, Fact::kApiKey, Fact::kUser};
  return std::any_of(kProved.begin(), kProved.end(), [&](Fact fact) { return scope.has(fact); });
}

void read_scope(const Value& value, LimitDraft& draft) {
  draft.scoped = value;
  const auto text = value.text();
  if (!text) return;
  const auto scope = limits::parse_scope(*text);
  if (!scope) return value.complain(fmt::format("scope {}", scope.error().detail));
  draft.scope = *scope;
  if (draft.is_default && is_proved(*scope)) {
    value.complain(fmt::format(
        "scope \"{}\" is not for defaults; use ip, header:NAME, fact:NAME, route or global",
        *text));
  }
}

void read_routes(const Value& value, LimitDraft& draft) {
  draft.routed = value;
  const auto elements = value.elements();
  if (!elements) return;
  if (elements->empty()) value.complain("\"routes\" is empty; name one route or more");
  for (const Value& element : *elements) {
    const auto route = element.text();
    if (!route) continue;
    draft.routes.push_back(*route);
    const Words known = draft.routes_known;
    if (*route == limits::kEveryRoute) {
      if (elements->size() > 1) element.complain("\"*\" is every route; name no other with it");
      continue;
    }
    if (*route == limits::kIdentityFailure) {
      if (!draft.is_default) element.complain(fmt::format("\"{}\" is for defaults only", *route));
    } else if (known.empty() && !is_valid_id(*route)) {
      element.complain(fmt::format("invalid route name \"{}\"; use {}", *route, kIdRule));
    } else if (!known.empty() && std::find(known.begin(), known.end(), *route) == known.end()) {
      element.complain(fmt::format("unknown route \"{}\"; use {}", *route, alternatives(known)));
    }
  }
}

constexpr std::array<Key<LimitDraft>, 9> kOverrideKeys{{
    {"name", read_limit_name, true},
    {"rate",
     [](const Value& value, LimitDraft& draft) { take(value, draft, rates(value), draft.rates); }},
    {"burst",
     [](const Value& value, LimitDraft& draft) {
       take(value, draft, value.integer(1, limits::kMaxQuota), draft.burst);
     }},
    {"algorithm",
     [](const Value& value, LimitDraft& draft) {
       take(value, draft, value.word<limits::Algorithm>(limits::kAlgorithmNames), draft.algorithm);
     }},
    {"align",
     [](const Value& value, LimitDraft& draft) {
       take(value, draft, value.word<limits::Alignment>(limits::kAlignmentNames), draft.alignment);
     }},
    {"time_zone", [](const Value& value,
                     LimitDraft& draft) { take(value, draft, time_zone(value), draft.time_zone); }},
    {"on_change",
     [](const Value& value, LimitDraft& draft) {
       take(value, draft, value.word<limits::OnChange>(limits::kOnChangeNames), draft.on_change);
     }},
    {"mode",
     [](const Value& value, LimitDraft& draft) {
       take(value, draft, value.word<limits::Mode>(limits::kModeNames), draft.mode);
     }},
    {"on_store_error",
     [](const Value& value, LimitDraft& draft) {
       take(value, draft, value.word<limits::OnStoreError>(limits::kOnStoreErrorNames),
            draft.on_store_error);
     }},
}};

// The keys of a new limit: it must also say a rate, and where it applies.
constexpr auto kLimitKeys = [] {
  std::array<Key<LimitDraft>, kOverrideKeys.size() + 3> keys{};
  std::copy(kOverrideKeys.begin(), kOverrideKeys.end(), keys.begin());
  for (Key<LimitDraft>& key : keys) key.required = key.required || key.name == "rate";
  keys[kOverrideKeys.size()] = {"routes", read_routes, true};
  keys[kOverrideKeys.size() + 1] = {"scope", read_scope, true};
  keys[kOverrideKeys.size() + 2] = {"unit", [](const Value& value, LimitDraft& draft) {
                                      draft.united = value;
                                      read_unit(value, draft.unit);
                                    }};
  return keys;
}();

// The keys of a route's own limit, which says no routes.
constexpr auto kRouteKeys = [] {
  std::array<Key<LimitDraft>, kLimitKeys.size() - 1> keys{};
  std::copy_if(kLimitKeys.begin(), kLimitKeys.end(), keys.begin(),
               [](const Key<LimitDraft>& key) { return key.name != "routes"; });
  return keys;
}();

// The same keys, but only the name is required: the entry may be a change of a plan's limit.
constexpr auto kTenantKeys = [] {
  auto keys = kLimitKeys;
  for (Key<LimitDraft>& key : keys) key.required = key.name == "name";
  return keys;
}();

}  // namespace

void read_name(const Value& value, Names& names, std::string& name) {
  const auto text = value.text();
  if (!text) return;
  name = *text;
  if (!is_valid_id(name)) {
    return value.complain(fmt::format("invalid {} name \"{}\"; use {}", names.kind, name, kIdRule));
  }
  const auto [earlier, is_new] = names.first.emplace(name, value.place());
  if (!is_new) {
    value.complain(fmt::format("duplicate {} \"{}\"; the first is at {}", names.kind, name,
                               value.report().text(earlier->second)));
  }
}

void read_unit(const Value& value, std::string& unit) {
  const auto text = value.text();
  if (!text) return;
  if (!is_valid_id(*text))
    value.complain(fmt::format("invalid unit \"{}\"; use {}", *text, kIdRule));
  unit = *text == limits::kRequests ? "" : *text;
}

LimitEntry LimitDraft::entry() const {
  LimitEntry entry{{}, {}, named, sound && rates, scoped, united};
  entry.limit.limit.name = name;
  entry.limit.limit.scope = scope;
  entry.limit.limit.unit = unit;
  entry.limit.routes = routes;
  if (rates) entry.rates = *rates;
  apply_to(entry.limit.limit);
  check(entry);
  return entry;
}

std::vector<std::string_view> LimitDraft::missing() const {
  std::vector<std::string_view> keys;
  if (!figures.contains("rate")) keys.emplace_back("\"rate\"");
  if (!routed) keys.emplace_back("\"routes\"");
  if (!scoped) keys.emplace_back("\"scope\"");
  return keys;
}

void LimitDraft::override_entry(LimitEntry& entry) const {
  // All tenants count in this one bucket. With other figures, each would undo what the others used.
  if (named && entry.limit.limit.scope.parts.empty() &&
      (rates || burst || algorithm || alignment || time_zone || on_change)) {
    named->complain(
        fmt::format("limit \"{}\" is one bucket for all tenants of its plan; a tenant "
                    "may change only its mode and on_store_error",
                    name));
  }
  entry.named = named;
  entry.sound = entry.sound && sound;
  if (rates) entry.rates = *rates;
  apply_to(entry.limit.limit);
  check(entry);
}

void LimitDraft::apply_to(limits::Limit& limit) const {
  if (algorithm) limit.algorithm = *algorithm;
  // A plan's burst or alignment does not fit another algorithm of the tenant's.
  if (!is_bucket(limit.algorithm)) limit.burst = 0;
  if (limit.algorithm != limits::Algorithm::kFixedWindow) limit.alignment = {};
  if (burst) limit.burst = *burst;
  if (alignment) limit.alignment = *alignment;
  if (limit.alignment != limits::Alignment::kCalendar) limit.time_zone = limits::Limit{}.time_zone;
  if (time_zone) limit.time_zone = *time_zone;
  if (on_change) limit.on_change = *on_change;
  if (mode) limit.mode = *mode;
  if (on_store_error) limit.on_store_error = *on_store_error;
}

void LimitDraft::check(LimitEntry& entry) const {
  entry.sound = entry.sound && fits(entry);
  if (!entry.sound || !entry.named) return;
  limits::Limit limit = entry.limit.limit;
  for (const limits::Rate& rate : entry.rates) {
    limit.rate = rate;
    const auto complaint = limit.complaint();
    if (!complaint) continue;
    entry.named->complain(*complaint);
    entry.sound = false;
  }
}

// Complains of figures that do not fit the algorithm or each other.
bool LimitDraft::fits(const LimitEntry& entry) const {
  const limits::Limit& limit = entry.limit.limit;
  const std::string_view algorithm_name =
      limits::to_name<limits::Algorithm>(limits::kAlgorithmNames, limit.algorithm);
  bool fits = true;
  const auto refuse = [&](std::string_view key, std::string message) {
    const auto found = figures.find(key);
    const auto& at = found == figures.end() ? named : found->second;
    if (at) at->complain(std::move(message));
    fits = false;
  };
  if (burst && !is_bucket(limit.algorithm)) {
    refuse("burst",
           fmt::format("\"burst\" is for token_bucket and leaky_bucket, not {}; remove it or "
                       "change \"algorithm\"",
                       algorithm_name));
  } else if (limit.burst > 0 && entry.rates.size() > 1) {
    refuse("burst", fmt::format("\"burst\" needs one rate, not {}; write a limit for each",
                                entry.rates.size()));
  }
  if (alignment && limit.algorithm != limits::Algorithm::kFixedWindow) {
    refuse("align", fmt::format("\"align\" is for fixed_window, not {}; remove it or change "
                                "\"algorithm\"",
                                algorithm_name));
  } else if (time_zone && limit.alignment != limits::Alignment::kCalendar) {
    refuse("time_zone", "\"time_zone\" is for align = \"calendar\"; add that or remove it");
  }
  return fits;
}

Keys<LimitDraft> limit_keys() {
  return kLimitKeys;
}

Keys<LimitDraft> route_keys() {
  return kRouteKeys;
}

Keys<LimitDraft> override_keys() {
  return kOverrideKeys;
}

Keys<LimitDraft> tenant_keys() {
  return kTenantKeys;
}

}  // namespace sluice::config
