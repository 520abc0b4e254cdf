// The routes that a config names for the applications behind a gate: on which of them a request is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

struct GatedRoute {
  std::string name;                  // an id, which no other route has
  std::vector<std::string> methods;  // in upper case; none: any
  std::string path;                  // begins with '/'; empty: matched by its name alone
  bool is_prefix = false;            // whether every path that begins with `path` is meant
};

// The most routes of a config: a request looks at each, at worst.
inline constexpr std::size_t kMaxGatedRoutes = 256;

class RouteTable {
 public:
  RouteTable() = default;
  explicit RouteTable(std::vector<GatedRoute> routes);

  // An exact path goes before a prefix, and the longer prefix before the shorter. Of two routes
  // with one path, the one that names the method goes before the one that takes any. Beyond that,
  // the first in the config. A HEAD is a GET. nullptr: none matches.
  [[nodiscard]] const GatedRoute* match(std::string_view method, std::string_view path) const;
  // nullptr: none is named so.
  [[nodiscard]] const GatedRoute* named(std::string_view name) const;
  // In the order in which they are matched.
  [[nodiscard]] const std::vector<GatedRoute>& routes() const { return routes_; }

 private:
  std::vector<GatedRoute> routes_;
};

}  // namespace sluice::policy
