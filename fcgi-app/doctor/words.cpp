#include "doctor/words.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace sluice::doctor {
namespace {

constexpr std::array<std::string_view, 3> kClientPrefixes{"http_", "cookie_", "arg_"};
constexpr std::array<std::string_view, 5> kClientVariables{
    "args", "query_string", "request_uri", "request_body", "proxy_add_x_forwarded_for"};
constexpr std::string_view kFact = "sluice_fact_";
constexpr std::string_view kFactParam = "SLUICE_FACT_";
constexpr std::string_view kRoute = "$sluice_route";
// Of a map, these are no pairs of a value and what becomes of it.
constexpr std::array<std::string_view, 2> kMapWords{"hostnames", "volatile"};

bool is_of_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// The names of the variables in a text: "a" and "b" of "$a-${b}". Names know no case.
std::vector<std::string> variables_in(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    text.remove_prefix(std::min(text.find('$'), text.size()));
    if (text.empty()) break;
    text.remove_prefix(text.substr(1).starts_with('{') ? 2 : 1);
    std::string name(text.begin(), std::find_if_not(text.begin(), text.end(), is_of_name));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    text.remove_prefix(name.size());
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

bool is_clients(std::string_view variable) {
  return std::any_of(kClientPrefixes.begin(), kClientPrefixes.end(),
                     [&](std::string_view prefix) { return variable.starts_with(prefix); }) ||
         std::find(kClientVariables.begin(), kClientVariables.end(), variable) !=
             kClientVariables.end();
}

// What decides over the value that `set` or `map` gives to its variable.
std::string sources_of(const Directive& directive) {
  if (directive.arguments.size() != 2) return "";
  if (directive.name == "map") {
    std::string sources = directive.arguments[0];
    for (const Directive& pair : directive.block) {
      if (!pair.arguments.empty()) sources.append(" ").append(pair.arguments.front());
    }
    return sources;
  }
  std::string sources = directive.arguments[1];
  if (directive.parent && directive.parent->name == "if") {
    for (const std::string& word : directive.parent->arguments) sources.append(" ").append(word);
  }
  return sources;
}

bool gives(const Directive& directive, std::string_view variable) {
  return directive.says(directive.name == "map" ? 1 : 0, variable);
}

// The variable that `set` or `map` makes; empty where it says none.
std::string made_by(const Directive& directive) {
  if (directive.arguments.size() != 2) return "";
  const auto names = variables_in(directive.arguments[directive.name == "map" ? 1 : 0]);
  return names.empty() ? "" : names.front();
}

Directives makers_of_facts(const Site& site) {
  Directives makers;
  for (const std::string_view way : {"set", "map"}) {
    for (const Directive* directive : site.named(way)) {
      if (made_by(*directive).starts_with(kFact)) makers.push_back(directive);
    }
  }
  return makers;
}

// What tells workers a fact; each has a value.
Directives params_of_facts(const Site& site) {
  Directives params = site.named("fastcgi_param");
  std::erase_if(params, [](const Directive* param) {
    return param->arguments.size() < 2 || !param->arguments.front().starts_with(kFactParam);
  });
  return params;
}

bool is_unknown(const Known& known, const std::string& route) {
  return !route.empty() && route.find('$') == std::string::npos &&
         std::find(known.routes.begin(), known.routes.end(), route) == known.routes.end();
}

}  // namespace

bool ClientWords::can_write(std::string_view text) const {
  Names seen;
  return can_write(text, seen);
}

bool ClientWords::can_write(std::string_view text, Names& seen) const {
  const auto names = variables_in(text);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return is_clients(name) || (!name.starts_with(kFact) && comes_from_client(name, seen));
  });
}

bool ClientWords::comes_from_client(const std::string& variable, Names& seen) const {
  if (!seen.insert(variable).second) return false;
  for (const std::string_view way : {"set", "map"}) {
    for (const Directive* directive : site_.named(way)) {
      if (!gives(*directive, "$" + variable)) continue;
      if (can_write(sources_of(*directive), seen)) return true;
    }
  }
  return false;
}

Directives find_claimed_facts(const Site& site) {
  const ClientWords client(site);
  Directives found = makers_of_facts(site);
  std::erase_if(found,
                [&](const Directive* maker) { return !client.can_write(sources_of(*maker)); });
  for (const Directive* param : params_of_facts(site)) {
    if (client.can_write(param->arguments[1])) found.push_back(param);
  }
  return found;
}

Directives find_untold_facts(const Site& site) {
  std::vector<std::string> told;
  for (const Directive* param : params_of_facts(site)) {
    for (std::string& name : variables_in(param->arguments[1])) told.push_back(std::move(name));
  }
  Directives found = makers_of_facts(site);
  std::erase_if(found, [&](const Directive* maker) {
    return std::find(told.begin(), told.end(), made_by(*maker)) != told.end();
  });
  return found;
}

Directives find_unknown_routes(const Site& site) {
  Directives found;
  if (!site.known()) return found;
  for (const Directive* set : site.named("set")) {
    const bool is_route = gives(*set, kRoute) && set->arguments.size() == 2;
    if (is_route && is_unknown(*site.known(), set->arguments[1])) found.push_back(set);
  }
  for (const Directive* map : site.named("map")) {
    if (!gives(*map, kRoute)) continue;
    for (const Directive& pair : map->block) {
      const bool is_word =
          std::find(kMapWords.begin(), kMapWords.end(), pair.name) != kMapWords.end();
      if (is_word || pair.arguments.empty()) continue;
      if (is_unknown(*site.known(), pair.arguments.front())) found.push_back(&pair);
    }
  }
  return found;
}

}  // namespace sluice::doctor
