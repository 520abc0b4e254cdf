// Checks of what nginx tells Sluice by variables: the route, and facts of a caller.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "doctor/site.h"

namespace sluice::doctor {

// Which variables hold what a client wrote, by `set` and `map` too.
class ClientWords {
 public:
  // REQUIRES: the site outlives the object.
  explicit ClientWords(const Site& site) : site_(site) {}

  // Whether a variable in `text` does: a header, a cookie, an argument, the body. Not what is in a
  // $sluice_fact_NAME, which is found where it is made.
  [[nodiscard]] bool can_write(std::string_view text) const;

 private:
  using Names = std::set<std::string>;
  [[nodiscard]] bool can_write(std::string_view text, Names& seen) const;
  [[nodiscard]] bool comes_from_client(const std::string& variable, Names& seen) const;

  const Site& site_;
};

// Facts from what a client wrote.
[[nodiscard]] Directives find_claimed_facts(const Site& site);
// Facts that no question tells a worker.
[[nodiscard]] Directives find_untold_facts(const Site& site);
// Routes that Sluice's config does not have.
[[nodiscard]] Directives find_unknown_routes(const Site& site);

}  // namespace sluice::doctor
