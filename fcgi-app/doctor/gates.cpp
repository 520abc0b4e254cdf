#include "doctor/gates.h"

#include <algorithm>

#include <strings.h>

namespace sluice::doctor {
namespace {

using nginx_config::in_effect;
using nginx_config::own;

bool has(const Directives& directives, std::string_view first) {
  return std::any_of(directives.begin(), directives.end(),
                     [&](const Directive* one) { return one->says(0, first); });
}

Directives gated_without(const Site& site, bool (*has_it)(const Directive& level)) {
  Directives found = site.gated();
  std::erase_if(found, [&](const Directive* level) { return has_it(*level); });
  return found;
}

// Whether a field of this name is among them; its case does not matter.
bool adds(const Directives& fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(), [&](const Directive* field) {
    return !field->arguments.empty() &&
           ::strcasecmp(field->arguments.front().c_str(), name.data()) == 0;
  });
}

// The error_page of a denial: the first that names it counts.
const Directive* mapping(const Directive& level) {
  for (const Directive* page : in_effect(level, "error_page")) {
    const auto& words = page->arguments;
    if (std::find(words.begin(), words.end(), "401") != words.end()) return page;
  }
  return nullptr;
}

// `set` runs for the server, then for the location, but not for a location around it.
bool sets_path(const Directive& level) {
  constexpr std::string_view kPath = "$sluice_uri";
  for (const Directive* at = &level; at; at = at->parent) {
    if (has(own(*at, "set"), kPath)) return true;
    if (at->name == "location") break;
  }
  const Directive* const server = nginx_config::around(level, "server");
  return server && has(own(*server, "set"), kPath);
}

// Those of http that a server with a gate has no more, as it has its own. `is_again` says whether
// two of them are one.
Directives replaced(const Site& site, std::string_view name,
                    bool (*is_again)(const Directive& one, const Directive& other)) {
  Directives found = site.named(name);
  std::erase_if(found, [&](const Directive* one) {
    return one->parent->name != "http" ||
           std::none_of(site.gated().begin(), site.gated().end(), [&](const Directive* level) {
             const Directives kept = own(*nginx_config::around(*level, "server"), name);
             return !kept.empty() && std::none_of(kept.begin(), kept.end(), [&](auto* other) {
               return is_again(*one, *other);
             });
           });
  });
  return found;
}

bool has_same_name(const Directive& one, const Directive& other) {
  return !one.arguments.empty() && adds({&other}, one.arguments.front());
}

// Of an error_page, all words but the last are the statuses.
bool has_all_statuses(const Directive& one, const Directive& other) {
  if (one.arguments.empty()) return true;
  return std::all_of(one.arguments.begin(), one.arguments.end() - 1, [&](const std::string& word) {
    return std::find(other.arguments.begin(), other.arguments.end(), word) != other.arguments.end();
  });
}

bool breaks_off(const Directive& directive) {
  return directive.name == "break" || (directive.name == "rewrite" && directive.says(2, "break"));
}

}  // namespace

Directives find_charged_again(const Site& site) {
  return gated_without(site, [](const Directive& level) {
    return has(in_effect(level, "auth_request_set"), "$sluice_asked_before");
  });
}

Directives find_no_status(const Site& site) {
  return gated_without(site, [](const Directive& level) {
    return has(in_effect(level, "auth_request_set"), "$sluice_denied");
  });
}

Directives find_no_path(const Site& site) {
  return gated_without(site, sets_path);
}

Directives find_unmapped(const Site& site) {
  return gated_without(site, [](const Directive& level) { return mapping(level) != nullptr; });
}

Directives find_other_mapping(const Site& site) {
  Directives found;
  for (const Directive* level : site.gated()) {
    const Directive* const page = mapping(*level);
    const bool is_ours = !page || page->arguments.back().find("sluice") != std::string::npos;
    if (!is_ours) found.push_back(page);
  }
  return found;
}

Directives find_no_fields(const Site& site) {
  return gated_without(site, [](const Directive& level) {
    return adds(in_effect(level, "add_header"), "RateLimit");
  });
}

Directives find_no_cors(const Site& site) {
  return gated_without(site, [](const Directive& level) {
    constexpr std::string_view kField = "Access-Control-Expose-Headers";
    const Directive* const server = nginx_config::around(level, "server");
    return !server || !adds(in_effect(*server, "add_header"), kField) ||
           adds(in_effect(level, "add_header"), kField);
  });
}

Directives find_claimed_decisions(const Site& site) {
  return gated_without(site, [](const Directive& level) {
    const auto tells = [&](std::string_view pass, std::string_view directive,
                           std::string_view header) {
      if (own(level, pass).empty()) return true;
      return adds(in_effect(level, directive), header);
    };
    constexpr std::string_view kHeader = "X-Decision-ID";
    constexpr std::string_view kVariable = "HTTP_X_DECISION_ID";
    return tells("proxy_pass", "proxy_set_header", kHeader) &&
           tells("grpc_pass", "grpc_set_header", kHeader) &&
           tells("fastcgi_pass", "fastcgi_param", kVariable) &&
           tells("uwsgi_pass", "uwsgi_param", kVariable) &&
           tells("scgi_pass", "scgi_param", kVariable);
  });
}

Directives find_answered_first(const Site& site) {
  return site.answered_first();
}

// nginx runs set, rewrite and break in their order, and no more of them after a break.
Directives find_broken_off(const Site& site) {
  Directives found;
  for (const Directive* level : site.gated()) {
    for (const Directive& directive : level->block) {
      if (directive.name == "set" && directive.says(0, "$sluice_uri")) break;
      if (breaks_off(directive)) found.push_back(&directive);
    }
  }
  return found;
}

Directives find_replaced_fields(const Site& site) {
  return replaced(site, "add_header", has_same_name);
}

Directives find_replaced_pages(const Site& site) {
  return replaced(site, "error_page", has_all_statuses);
}

Directives find_nothing(const Site& site) {
  return site.passes().empty() ? Directives{&site.root()} : Directives{};
}

}  // namespace sluice::doctor
