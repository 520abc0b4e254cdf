#include "config/sections/routes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "base/ids.h"
#include "config/sections/limit_entry.h"
#include "limits/plan.h"

namespace sluice::config {
namespace {

using policy::GatedRoute;

constexpr std::size_t kMaxMatchLength = 512;
constexpr std::size_t kMaxMethodLength = 32;
constexpr std::string_view kMatchRule =
    "use a path as in \"/items\", \"/files/*\" for all that begins so, or \"GET,POST /items\"";

struct RouteDraft {
  Words taken;
  Names& names;
  GatedRoute route = {};
  std::optional<Value> limits = std::nullopt;
  std::optional<Value> cost = std::nullopt;
};

bool is_method(std::string_view word) {
  return !word.empty() && word.size() <= kMaxMethodLength &&
         std::all_of(word.begin(), word.end(),
                     [](unsigned char c) { return std::isupper(c) != 0 || c == '-'; });
}

// Reads "GET,POST" into `methods`; false: it is something else.
bool read_methods(std::string_view text, std::vector<std::string>& methods) {
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    const std::string_view word = text.substr(start, end - start);
    if (!is_method(word)) return false;
    methods.emplace_back(word == "HEAD" ? "GET" : word);
    start = end + 1;
  }
  return true;
}

// A path as nginx decodes it, so with neither a query nor "%20"; a '*' may stand at its end.
bool read_path(std::string_view text, GatedRoute& route) {
  route.is_prefix = text.ends_with('*');
  if (route.is_prefix) text.remove_suffix(1);
  route.path = text;
  if (!text.starts_with('/') || text.find_first_of("*?#%") != std::string_view::npos) return false;
  // nginx has merged these before it asks.
  const std::string closed = route.path + (route.is_prefix ? "" : "/");
  constexpr std::array<std::string_view, 3> kMerged{"//", "/./", "/../"};
  return std::none_of(kMerged.begin(), kMerged.end(), [&](std::string_view part) {
    return text.find(part) != std::string_view::npos || closed.find(part) != std::string::npos;
  });
}

void read_match(const Value& value, RouteDraft& draft) {
  const auto text = value.text();
  if (!text) return;
  const std::string_view match = *text;
  const std::size_t space = match.find(' ');
  const bool has_methods = space != std::string_view::npos;
  const bool fits = match.size() <= kMaxMatchLength &&
                    (!has_methods || read_methods(match.substr(0, space), draft.route.methods)) &&
                    read_path(has_methods ? match.substr(space + 1) : match, draft.route);
  if (!fits) value.complain(fmt::format("\"match\" is \"{}\"; {}", match, kMatchRule));
}

void read_route_name(const Value& value, RouteDraft& draft) {
  read_name(value, draft.names, draft.route.name);
  const std::string& name = draft.route.name;
  const Words taken = draft.taken;
  if (std::find(taken.begin(), taken.end(), name) != taken.end() ||
      name == limits::kIdentityFailure) {
    value.complain(fmt::format("\"{}\" is a route of Sluice itself; use another name", name));
  }
}

constexpr std::array<Key<RouteDraft>, 4> kRouteSectionKeys{{
    {"name", read_route_name, true},
    {"match", read_match},
    {"limits", [](const Value& value, RouteDraft& draft) { draft.limits = value; }},
    {"cost", [](const Value& value, RouteDraft& draft) { draft.cost = value; }},
}};

// Complains of a route that an earlier one hides.
void check_hidden(const Value& element, const GatedRoute& route, const RouteSection& section) {
  const auto same = [&](const GatedRoute& other) {
    return !route.path.empty() && other.path == route.path && other.is_prefix == route.is_prefix &&
           other.methods == route.methods;
  };
  const auto found = std::find_if(section.routes.begin(), section.routes.end(), same);
  if (found == section.routes.end()) return;
  element.complain(
      fmt::format("route \"{}\" matches what \"{}\" matches; remove one", route.name, found->name));
}

}  // namespace

RouteSection read_routes(const Value& list, Words taken) {
  RouteSection section;
  const auto elements = list.elements();
  if (!elements) return section;
  if (elements->size() > policy::kMaxGatedRoutes) {
    list.complain(fmt::format("has {} routes; at most {} are allowed", elements->size(),
                              policy::kMaxGatedRoutes));
    return section;
  }
  Names names{"route"};
  for (const Value& element : *elements) {
    RouteDraft draft{taken, names};
    read_group<RouteDraft>(element, kRouteSectionKeys, draft);
    check_hidden(element, draft.route, section);
    const std::string& name = draft.route.name;
    if (draft.limits) section.limits.push_back({name, *draft.limits});
    if (draft.cost) section.costs.push_back({name, *draft.cost});
    section.routes.push_back(std::move(draft.route));
  }
  return section;
}

std::vector<std::string> route_section_keys() {
  std::vector<std::string> names;
  append_keys<RouteDraft>(names, "routes", kRouteSectionKeys);
  append_keys<LimitDraft>(names, "routes.limits", route_keys());
  return names;
}

}  // namespace sluice::config
