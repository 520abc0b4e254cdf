// One limit as a config writes it, in `defaults`, in a plan or in a tenant.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/reader.h"
#include "limits/plan.h"

namespace sluice::config {

// The names given so far in one list, and where.
struct Names {
  std::string_view kind;
  std::map<std::string, Place, std::less<>> first = {};
};

// Reads a new name into `name`. A bad or repeated name is read too: what refers to it is no
// mistake.
void read_name(const Value& value, Names& names, std::string& name);

// A limit with all of its rates. expand() in limit_entries.h makes limits of it.
struct LimitEntry {
  limits::PlanLimit limit;          // all of it but the rate
  std::vector<limits::Rate> rates;  // one or more, if `sound`
  std::optional<Value> named;       // the setting `name`; the tenant's, if a tenant has changed it
  bool sound = true;                // whether all figures could be read, and fit each other
  std::optional<Value> scoped = std::nullopt;  // the setting of the scope
  std::optional<Value> united = std::nullopt;  // the setting of the unit
};

// Reads an id into `unit`, and "requests" as nothing.
void read_unit(const Value& value, std::string& unit);

// What one entry has said so far. Its references outlive it.
struct LimitDraft {
  Words routes_known;
  bool is_default;
  Names& names;

  std::string name = {};
  std::optional<Value> named = std::nullopt;  // the setting of the name
  std::vector<std::string> routes = {};
  std::optional<Value> routed = std::nullopt;  // the setting of the routes
  limits::Scope scope = limits::Fact::kIp;
  std::optional<Value> scoped = std::nullopt;  // the setting of the scope
  std::string unit = {};                       // empty: requests
  std::optional<Value> united = std::nullopt;  // the setting of the unit
  // The figures, which a tenant may change in its plan's limits:
  std::optional<std::vector<limits::Rate>> rates = std::nullopt;
  std::optional<std::int64_t> burst = std::nullopt;
  std::optional<limits::Algorithm> algorithm = std::nullopt;
  std::optional<limits::Alignment> alignment = std::nullopt;
  std::optional<std::string> time_zone = std::nullopt;
  std::optional<limits::OnChange> on_change = std::nullopt;
  std::optional<limits::Mode> mode = std::nullopt;
  std::optional<limits::OnStoreError> on_store_error = std::nullopt;
  std::map<std::string_view, Value> figures = {};  // the settings of those that were said, by key
  bool sound = true;                               // whether each could be read

  // A new limit: of a plan, of `defaults`, or of a tenant's own. Complains if its figures do not
  // fit each other.
  [[nodiscard]] LimitEntry entry() const;
  // The keys, in quotes, that a new limit needs and that were not said.
  [[nodiscard]] std::vector<std::string_view> missing() const;
  // Changes in `entry` what the draft says, and drops what a new algorithm does not have. Complains
  // as entry() does.
  void override_entry(LimitEntry& entry) const;

 private:
  void apply_to(limits::Limit& limit) const;
  void check(LimitEntry& entry) const;
  [[nodiscard]] bool fits(const LimitEntry& entry) const;
};

// The keys of a limit of a plan or of `defaults`; of a limit of a route; those that a tenant may
// change in its plan's limits; and those of a limit of which it is not known yet whether the plan
// has it.
[[nodiscard]] Keys<LimitDraft> limit_keys();
[[nodiscard]] Keys<LimitDraft> route_keys();
[[nodiscard]] Keys<LimitDraft> override_keys();
[[nodiscard]] Keys<LimitDraft> tenant_keys();

}  // namespace sluice::config
