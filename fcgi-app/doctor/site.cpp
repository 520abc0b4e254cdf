#include "doctor/site.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::doctor {
namespace {

using nginx_config::in_effect;
using nginx_config::own;

constexpr std::string_view kOurs = "sluice";
constexpr std::string_view kOurFile = "sluice_";
constexpr std::string_view kOurParam = "SLUICE_";
constexpr std::string_view kOurLocations = "/_sluice/";
// What a block of a gated location replaces if it has one of its own.
constexpr std::array<std::string_view, 4> kReplaced{"add_header", "auth_request",
                                                    "auth_request_set", "error_page"};

void add_once(Directives& all, const Directive* one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
}

bool mentions_us(const Directive& directive) {
  return !directive.arguments.empty() &&
         directive.arguments.front().find(kOurs) != std::string::npos;
}

// The location of that server that answers `uri`, without regular expressions.
const Directive* location_of(const Directive& server, std::string_view uri) {
  const Directive* best = nullptr;
  std::size_t best_size = 0;
  for (const Directive* location : nginx_config::all_of(server)) {
    if (location->name != "location" || location->arguments.empty()) continue;
    const std::string& path = location->arguments.back();
    if (location->says(0, "=") && path == uri) return location;
    const bool is_prefix = location->arguments.size() == 1 || location->says(0, "^~");
    if (!is_prefix || !uri.starts_with(path) || path.size() <= best_size) continue;
    best = location;
    best_size = path.size();
  }
  return best;
}

}  // namespace

Site::Site(const nginx_config::Tree& tree, std::optional<Known> known)
    : tree_(tree), known_(std::move(known)) {
  const Directives all = nginx_config::all_of(*tree.root);
  for (const Directive* directive : all) by_name_[directive->name].push_back(directive);
  find_passes();
  for (const Directive* level : all) {
    if (!is_gated(*level)) continue;
    const bool answers = !own(*level, "return").empty();
    // What is inherited by such a location is not meant for it.
    if (!answers) gated_.push_back(level);
    if (answers && !own(*level, "auth_request").empty()) answered_first_.push_back(level);
  }
}

Directives Site::levels() const {
  Directives levels = gated_;
  for (const Pass& pass : passes_) add_once(levels, &pass.level());
  return levels;
}

Directives Site::upstreams() const {
  Directives upstreams;
  for (const Pass& pass : passes_) {
    if (pass.upstream) add_once(upstreams, pass.upstream);
  }
  return upstreams;
}

Directives Site::sockets() const {
  Directives sockets;
  for (const Pass& pass : passes_) {
    const bool is_address = pass.pass->arguments.front().find('$') == std::string::npos;
    if (!pass.upstream && is_address) sockets.push_back(pass.pass);
  }
  for (const Directive* upstream : upstreams()) {
    for (const Directive* server : own(*upstream, "server")) {
      if (!server->arguments.empty()) sockets.push_back(server);
    }
  }
  return sockets;
}

const Directives& Site::named(std::string_view name) const {
  static const Directives none;
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? none : found->second;
}

const Directive* Site::upstream_of(const Directive& pass) const {
  for (const Directive* upstream : named("upstream")) {
    if (upstream->says(0, pass.arguments.front())) return upstream;
  }
  return nullptr;
}

bool Site::is_named_so(const Pass& pass) const {
  if (mentions_us(*pass.pass)) return true;
  if (pass.upstream) {
    const Directives servers = own(*pass.upstream, "server");
    const auto is_ours = [](const Directive* server) { return mentions_us(*server); };
    if (std::any_of(servers.begin(), servers.end(), is_ours)) return true;
  }
  const Directives params = in_effect(pass.level(), "fastcgi_param");
  return std::any_of(params.begin(), params.end(), [&](const Directive* param) {
    const std::string& file = tree_.files[param->place.file];
    return file.substr(file.rfind('/') + 1).starts_with(kOurFile) ||
           (!param->arguments.empty() && param->arguments.front().starts_with(kOurParam));
  });
}

void Site::find_passes() {
  std::vector<Pass> others;
  for (const Directive* pass : named("fastcgi_pass")) {
    if (pass->arguments.empty()) continue;
    const Pass found{pass, upstream_of(*pass)};
    (is_named_so(found) ? passes_ : others).push_back(found);
  }
  const Directives ours = upstreams();
  for (const Pass& other : others) {
    if (std::find(ours.begin(), ours.end(), other.upstream) != ours.end()) passes_.push_back(other);
  }
}

// Whether a gate is in effect in this block. Our own locations are the gate.
bool Site::is_gated(const Directive& level) const {
  const bool is_location = level.name == "location";
  const auto has_own = [&](std::string_view name) { return !own(level, name).empty(); };
  const bool replaces = (level.name == "if" || level.name == "limit_except") &&
                        nginx_config::around(level, "location") != nullptr &&
                        std::any_of(kReplaced.begin(), kReplaced.end(), has_own);
  const bool is_ours =
      is_location && !level.arguments.empty() && level.arguments.back().starts_with(kOurLocations);
  return (is_location || replaces) && !is_ours && asks(level);
}

bool Site::asks(const Directive& level) const {
  const Directives requests = in_effect(level, "auth_request");
  const Directive* const server = nginx_config::around(level, "server");
  if (requests.empty() || requests.front()->arguments.empty() || !server) return false;
  const Directive* const gate = location_of(*server, requests.front()->arguments.front());
  return gate && std::any_of(passes_.begin(), passes_.end(),
                             [&](const Pass& pass) { return &pass.level() == gate; });
}

}  // namespace sluice::doctor
