// One limit as a config writes it, in `defaults`, in a plan or in a tenant.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader.h"
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

// The draft outlives none of its references.
struct LimitDraft {
  Words routes_known;
  bool is_default;
  Names& names;

  std::string name = {};
  std::optional<Value> named = std::nullopt;  // the setting of the name
  std::optional<limits::Rate> rate = std::nullopt;
  std::optional<limits::Algorithm> algorithm = std::nullopt;
  std::optional<limits::OnStoreError> on_store_error = std::nullopt;
  std::vector<std::string> routes = {};
  limits::Scope scope = limits::Fact::kIp;

  // Changes `limit` where the draft says something.
  void apply_to(limits::Limit& limit) const;
  [[nodiscard]] limits::PlanLimit plan_limit() const;
};

// What a limit of a plan or of `defaults` may say; what a tenant may change of its plan's.
[[nodiscard]] Keys<LimitDraft> limit_keys();
[[nodiscard]] Keys<LimitDraft> override_keys();

}  // namespace sluice::config
