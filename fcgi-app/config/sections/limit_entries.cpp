#include "config/sections/limit_entries.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"

namespace sluice::config {
namespace {

// The name of the limit that rate number `position` of an entry makes. The first is 1.
std::string made_name(const std::string& name, std::size_t position) {
  return position == 1 ? name : fmt::format("{}-{}", name, position);
}

LimitEntries::const_iterator find_limit(const LimitEntries& list, std::string_view name) {
  return std::find_if(list.begin(), list.end(),
                      [&](const LimitEntry& entry) { return entry.limit.limit.name == name; });
}

// Complains of names that an entry's rates make, if they are too long or another limit has them.
void check_made_names(const LimitEntry& entry, const LimitEntries& list) {
  const std::string& name = entry.limit.limit.name;
  if (!entry.named || !is_valid_id(name)) return;
  for (std::size_t position = 2; position <= entry.rates.size(); ++position) {
    const std::string made = made_name(name, position);
    const auto taken = find_limit(list, made);
    if (!is_valid_id(made)) {
      entry.named->complain(
          fmt::format("limit name \"{}\" is too long for several rates; use up to {} characters",
                      name, kMaxIdLength - (made.size() - name.size())));
    } else if (taken != list.end() && taken->named) {
      entry.named->complain(fmt::format(
          "rate {} of limit \"{}\" makes a limit \"{}\", but there is one at {}; rename one",
          position, name, made, entry.named->report().text(taken->named->place())));
    }
  }
}

// The limits of `list`; each begins with what `blank` says.
LimitEntries read_new_limits(const Value& list, const LimitDraft& blank, Keys<LimitDraft> keys) {
  LimitEntries limits;
  const auto elements = list.elements();
  if (!elements) return limits;
  for (const Value& element : *elements) {
    LimitDraft draft = blank;
    read_group(element, keys, draft);
    limits.push_back(draft.entry());
  }
  return limits;
}

// The name that an entry of a list says; "" if it says none.
std::string name_of(const Value& element) {
  const auto members = element.members();
  if (!members) return "";
  const auto name = std::find_if(members->begin(), members->end(),
                                 [](const Value& member) { return member.name() == "name"; });
  return name == members->end() ? "" : name->text().value_or("");
}

// Complains of an entry that changes no limit of the plan, and lacks what a new one needs.
void complain_of_name(const LimitDraft& draft, const LimitEntries& plan) {
  std::vector<std::string_view> known;
  for (const LimitEntry& entry : plan) known.push_back(entry.limit.limit.name);
  draft.named->complain(fmt::format(
      "the tenant's plan has no limit \"{}\"; a limit of the tenant's own needs {} too{}",
      draft.name, fmt::join(draft.missing(), " and "), hint(draft.name, known)));
}

// A limit of the tenant's own, besides those of its plan.
LimitEntry own_limit(const LimitDraft& draft) {
  LimitEntry entry = draft.entry();
  // A global limit of `defaults` with the same name would have the same bucket.
  if (entry.limit.limit.scope.parts.empty()) {
    draft.scoped->complain(
        "scope \"global\" is one bucket for all tenants; use \"tenant\" for one of this tenant");
  }
  return entry;
}

}  // namespace

LimitEntries read_defaults(const Value& list, Words routes_known, Names& names) {
  return read_new_limits(list, LimitDraft{routes_known, true, names}, limit_keys());
}

LimitEntries read_route_limits(const Value& list, const std::string& route, Names& names) {
  LimitDraft draft{{}, true, names};
  draft.routes = {route};
  return read_new_limits(list, draft, route_keys());
}

void check_default_names(const LimitEntries& defaults) {
  for (const LimitEntry& entry : defaults) check_made_names(entry, defaults);
}

LimitEntries read_plan_limits(const Value& list, Words routes_known) {
  Names names{"limit"};
  auto limits = read_new_limits(list, LimitDraft{routes_known, false, names}, limit_keys());
  for (const LimitEntry& entry : limits) check_made_names(entry, limits);
  return limits;
}

void read_tenant_limits(const Value& list, Words routes_known, LimitEntries* limits) {
  const auto elements = list.elements();
  if (!elements) return;
  Names names{"limit"};
  const LimitEntries plan = limits ? *limits : LimitEntries();
  for (const Value& element : *elements) {
    LimitDraft draft{routes_known, false, names};
    const auto found = find_limit(plan, name_of(element));
    read_group(element, found == plan.end() ? tenant_keys() : override_keys(), draft);
    if (!limits || !draft.named || !is_valid_id(draft.name)) continue;
    if (found != plan.end()) {
      draft.override_entry((*limits)[static_cast<std::size_t>(found - plan.begin())]);
    } else if (draft.missing().empty()) {
      limits->push_back(own_limit(draft));
    } else {
      complain_of_name(draft, plan);
    }
  }
  if (!limits) return;
  for (const LimitEntry& entry : *limits) check_made_names(entry, *limits);
}

std::vector<limits::PlanLimit> expand(const LimitEntries& list) {
  std::vector<limits::PlanLimit> limits;
  for (const LimitEntry& entry : list) {
    for (std::size_t i = 0; i < entry.rates.size(); ++i) {
      limits::PlanLimit& made = limits.emplace_back(entry.limit);
      made.limit.name = made_name(entry.limit.limit.name, i + 1);
      made.limit.rate = entry.rates[i];
    }
  }
  return limits;
}

std::size_t count_on(const LimitEntries& list, std::string_view route) {
  std::size_t count = 0;
  for (const LimitEntry& entry : list) {
    if (entry.limit.applies_to(route)) count += std::max<std::size_t>(1, entry.rates.size());
  }
  return count;
}

}  // namespace sluice::config
