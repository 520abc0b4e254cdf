// What of an nginx's config concerns Sluice: which locations ask it, and by which pools.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nginx_config/tree.h"

namespace sluice::doctor {

using nginx_config::Directive;
using nginx_config::Directives;

// A fastcgi_pass to workers.
struct Pass {
  const Directive* pass;
  const Directive* upstream;  // nullptr: to an address, or to what a variable says

  [[nodiscard]] const Directive& level() const { return *pass->parent; }
};

// What Sluice's own config says.
struct Known {
  std::vector<std::string> routes = {};  // of gated applications
  bool trusts_proxies = false;           // whether client_address.trusted_proxies names any
};

class Site {
 public:
  // REQUIRES: the tree outlives the object.
  Site(const nginx_config::Tree& tree, std::optional<Known> known);

  // A pass is to workers if a FastCGI parameter of its location is Sluice's, or comes from one of
  // the files sluice_*, or if its upstream or socket is named after Sluice; and so is every other
  // pass to that upstream.
  [[nodiscard]] const std::vector<Pass>& passes() const { return passes_; }
  // The blocks in which requests pass a gate: an auth_request that asks workers is in effect. Of
  // the blocks `if` and limit_except, those that replace what the gate needs.
  [[nodiscard]] const Directives& gated() const { return gated_; }
  // Locations that have the gate, and answer by `return` before nginx asks it.
  [[nodiscard]] const Directives& answered_first() const { return answered_first_; }
  // Both: where a client's address matters.
  [[nodiscard]] Directives levels() const;
  // The upstreams of the passes.
  [[nodiscard]] Directives upstreams() const;
  // The sockets of the passes: `server` lines, and a fastcgi_pass to an address.
  [[nodiscard]] Directives sockets() const;
  // All directives of that name.
  [[nodiscard]] const Directives& named(std::string_view name) const;
  [[nodiscard]] const Directive& root() const { return *tree_.root; }
  [[nodiscard]] const std::optional<Known>& known() const { return known_; }

 private:
  [[nodiscard]] const Directive* upstream_of(const Directive& pass) const;
  [[nodiscard]] bool is_named_so(const Pass& pass) const;
  void find_passes();
  [[nodiscard]] bool is_gated(const Directive& level) const;
  [[nodiscard]] bool asks(const Directive& level) const;

  const nginx_config::Tree& tree_;
  std::optional<Known> known_;
  std::map<std::string_view, Directives> by_name_;
  std::vector<Pass> passes_;
  Directives gated_;
  Directives answered_first_;
};

}  // namespace sluice::doctor
