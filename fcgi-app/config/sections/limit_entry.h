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

// Reads a new name into `name`. A bad or a used one is read too, so that whatever refers to it
// is not complained of as well.
void read_name(const Value& value, Names& names, std::string& name);

// A limit and all of its rates; see expand() in limit_entries.h.
struct LimitEntry {
  limits::PlanLimit limit;          // but for its rate
  std::vector<limits::Rate> rates;  // one or more, if it is sound
  std::optional<Value> named;  // the setting of the name: of a tenant's, where that has changed it
  bool sound = true;           // whether its figures could be read and go together
  std::optional<Value> scoped = std::nullopt;  // the setting of the scope
};

// The draft outlives none of its references.
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
  // What a tenant may change of its plan's.
  std::optional<std::vector<limits::Rate>> rates = std::nullopt;
  std::optional<std::int64_t> burst = std::nullopt;
  std::optional<limits::Algorithm> algorithm = std::nullopt;
  std::optional<limits::Alignment> alignment = std::nullopt;
  std::optional<std::string> time_zone = std::nullopt;
  std::optional<limits::OnChange> on_change = std::nullopt;
  std::optional<limits::Mode> mode = std::nullopt;
  std::optional<limits::OnStoreError> on_store_error = std::nullopt;
  std::map<std::string_view, Value> figures = {};  // where each of these stands, by key
  bool sound = true;                               // whether each could be read

  // The limit of a plan or of `defaults`, or of a tenant's own. Complains where its figures do not
  // go together.
  [[nodiscard]] LimitEntry entry() const;
  // The keys, in quotes, without which it is no such limit.
  [[nodiscard]] std::vector<std::string_view> missing() const;
  // Changes `entry` where the draft says something, and drops what its new algorithm does not have.
  // Complains as entry().
  void override_entry(LimitEntry& entry) const;

 private:
  void apply_to(limits::Limit& limit) const;
  void check(LimitEntry& entry) const;
  [[nodiscard]] bool fits(const LimitEntry& entry) const;
};

// What a limit of a plan or of `defaults` may say; what a tenant may change of its plan's; and what
// it may say of a limit that its plan does not have.
[[nodiscard]] Keys<LimitDraft> limit_keys();
[[nodiscard]] Keys<LimitDraft> override_keys();
[[nodiscard]] Keys<LimitDraft> tenant_keys();

}  // namespace sluice::config
