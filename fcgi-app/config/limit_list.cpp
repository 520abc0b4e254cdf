#include "config/limit_list.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"

namespace sluice::config {
namespace {

// The name of the limit that an entry's rate number `position`, from 1, makes.
std::string made_name(const std::string& name, std::size_t position) {
  return position == 1 ? name : fmt::format("{}-{}", name, position);
}

LimitList::const_iterator find_limit(const LimitList& list, std::string_view name) {
  return std::find_if(list.begin(), list.end(),
                      [&](const LimitEntry& entry) { return entry.limit.limit.name == name; });
}

// Complains of the names that several rates make, where they are too long or taken.
void check_made_names(const LimitEntry& entry, const LimitList& list) {
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
      entry.named->complain(
          fmt::format("rate {} of limit \"{}\" is named \"{}\", as is the limit at {}; rename one",
                      position, name, made, entry.named->report().text(taken->named->place())));
    }
  }
}

}  // namespace

LimitList read_limits(const Value& list, Words routes_known, bool is_default) {
  LimitList limits;
  const auto elements = list.elements();
  if (!elements) return limits;
  Names names{"limit"};
  for (const Value& element : *elements) {
    LimitDraft draft{routes_known, is_default, names};
    read_group(element, limit_keys(), draft);
    limits.push_back(draft.entry());
  }
  for (const LimitEntry& entry : limits) check_made_names(entry, limits);
  return limits;
}

void override_limits(const Value& list, Words routes_known, LimitList* limits) {
  const auto elements = list.elements();
  if (!elements) return;
  Names names{"limit"};
  for (const Value& element : *elements) {
    LimitDraft draft{routes_known, false, names};
    read_group(element, override_keys(), draft);
    if (!limits || !draft.named || !is_valid_id(draft.name)) continue;
    const auto found = find_limit(*limits, draft.name);
    if (found != limits->end()) {
      LimitEntry& entry = (*limits)[static_cast<std::size_t>(found - limits->begin())];
      draft.override_entry(entry);
      check_made_names(entry, *limits);
      continue;
    }
    std::vector<std::string_view> known;
    for (const LimitEntry& entry : *limits) known.push_back(entry.limit.limit.name);
    draft.named->complain(fmt::format("the tenant's plan has no limit \"{}\"{}", draft.name,
                                      hint(draft.name, known)));
  }
}

std::vector<limits::PlanLimit> expand(const LimitList& list) {
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

std::size_t count_on(const LimitList& list, std::string_view route) {
  std::size_t count = 0;
  for (const LimitEntry& entry : list) {
    if (entry.limit.applies_to(route)) count += std::max<std::size_t>(1, entry.rates.size());
  }
  return count;
}

}  // namespace sluice::config
