// Finds in the config of an nginx what defeats the limiter behind it, and says how to mend each.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/document/report.h"
#include "doctor/site.h"

namespace sluice::doctor {

enum class Severity {
  kFinding,
  kWarning,  // what may be intended, or cannot be judged
};

// What to look for: the directives to blame, and what is wrong with each; what to do.
struct Check {
  std::string_view name;
  Severity severity;
  Directives (*find)(const Site& site);
  std::string_view words;
};

// All checks of nginx's config.
[[nodiscard]] std::span<const Check> checks();

// Runs them all. Notes findings as complaints and warnings as warnings: `directive: words`.
void examine(const Site& site, const nginx_config::Tree& tree, config::Report& report);

}  // namespace sluice::doctor
