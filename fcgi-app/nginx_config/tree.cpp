#include "nginx_config/tree.h"

#include <algorithm>

#include <strings.h>

namespace sluice::nginx_config {
namespace {

constexpr std::size_t kMaxShown = 60;  // bytes

void collect(const Directive& at, Directives& all) {
  for (const Directive& directive : at.block) {
    all.push_back(&directive);
    collect(directive, all);
  }
}

}  // namespace

std::string Directive::text() const {
  std::string text = name;
  for (const std::string& argument : arguments) {
    text += ' ';
    text += argument;
  }
  if (text.size() > kMaxShown) text = text.substr(0, kMaxShown) + "...";
  return text;
}

Directives all_of(const Directive& root) {
  Directives all;
  collect(root, all);
  return all;
}

Directives own(const Directive& level, std::string_view name) {
  Directives found;
  for (const Directive& directive : level.block) {
    if (directive.name == name) found.push_back(&directive);
  }
  return found;
}

Directives in_effect(const Directive& level, std::string_view name) {
  for (const Directive* at = &level; at; at = at->parent) {
    Directives found = own(*at, name);
    if (!found.empty()) return found;
  }
  return {};
}

bool is_on(const Directive& level, std::string_view name) {
  const Directives found = in_effect(level, name);
  return !found.empty() && found.front()->arguments.size() == 1 &&
         ::strcasecmp(found.front()->arguments.front().c_str(), "on") == 0;
}

const Directive* around(const Directive& level, std::string_view name) {
  const Directive* at = &level;
  while (at && at->name != name) at = at->parent;
  return at;
}

}  // namespace sluice::nginx_config
