#include "policy/route_table.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::policy {
namespace {

// What is less is matched first.
auto rank(const GatedRoute& route) {
  return std::tuple(route.is_prefix, -static_cast<std::ptrdiff_t>(route.path.size()),
                    route.methods.empty());
}

bool takes(const GatedRoute& route, std::string_view method) {
  return route.methods.empty() ||
         std::find(route.methods.begin(), route.methods.end(), method) != route.methods.end();
}

bool leads_to(const GatedRoute& route, std::string_view path) {
  if (route.path.empty()) return false;
  return route.is_prefix ? path.starts_with(route.path) : path == route.path;
}

}  // namespace

RouteTable::RouteTable(std::vector<GatedRoute> routes) : routes_(std::move(routes)) {
  std::stable_sort(routes_.begin(), routes_.end(),
                   [](const GatedRoute& a, const GatedRoute& b) { return rank(a) < rank(b); });
}

const GatedRoute* RouteTable::match(std::string_view method, std::string_view path) const {
  const std::string_view asked = method == "HEAD" ? "GET" : method;
  const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const GatedRoute& route) {
    return leads_to(route, path) && takes(route, asked);
  });
  return found == routes_.end() ? nullptr : &*found;
}

const GatedRoute* RouteTable::named(std::string_view name) const {
  const auto found = std::find_if(routes_.begin(), routes_.end(),
                                  [&](const GatedRoute& route) { return route.name == name; });
  return found == routes_.end() ? nullptr : &*found;
}

}  // namespace sluice::policy
