#include "doctor/pools.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/stat.h>

namespace sluice::doctor {
namespace {

using nginx_config::in_effect;
using nginx_config::is_on;
using nginx_config::own;

constexpr std::string_view kUnix = "unix:";
constexpr std::array<std::string_view, 5> kBalancing{"least_conn", "ip_hash", "hash", "random",
                                                     "least_time"};

Directives passes_where(const Site& site, bool (*holds)(const Pass& pass)) {
  Directives found;
  for (const Pass& pass : site.passes()) {
    if (holds(pass)) found.push_back(pass.pass);
  }
  return found;
}

// The directive that turns `name` on, wherever it is in effect for a pass.
Directives turned_on(const Site& site, std::string_view name) {
  Directives found;
  for (const Pass& pass : site.passes()) {
    if (is_on(pass.level(), name)) found.push_back(in_effect(pass.level(), name).front());
  }
  return found;
}

bool is_variable(const Pass& pass) {
  return pass.pass->arguments.front().find('$') != std::string::npos;
}

bool listens_beside(const Directive& server, const Directive& other) {
  for (const Directive* one : own(server, "listen")) {
    for (const Directive* two : own(other, "listen")) {
      if (!one->arguments.empty() && two->says(0, one->arguments.front())) return true;
    }
  }
  return false;
}

Directives sockets_where(const Site& site, bool (*holds)(const std::string& path)) {
  Directives found;
  for (const Directive* socket : site.sockets()) {
    const std::string& address = socket->arguments.front();
    if (address.starts_with(kUnix) && holds(address.substr(kUnix.size()))) found.push_back(socket);
  }
  return found;
}

bool is_loopback(std::string_view address) {
  if (address.starts_with("[::1]")) return true;
  const std::string_view host = address.substr(0, address.find(':'));
  return host == "localhost" || (host.starts_with("127.") &&
                                 host.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace

Directives find_direct_passes(const Site& site) {
  return passes_where(site, [](const Pass& pass) { return !pass.upstream && !is_variable(pass); });
}

Directives find_unkept_upstreams(const Site& site) {
  Directives found = site.upstreams();
  std::erase_if(found, [](const Directive* one) { return !own(*one, "keepalive").empty(); });
  return found;
}

Directives find_late_balancing(const Site& site) {
  Directives found;
  for (const Directive* upstream : site.upstreams()) {
    bool is_kept = false;
    for (const Directive& one : upstream->block) {
      is_kept = is_kept || one.name == "keepalive";
      const bool balances =
          std::find(kBalancing.begin(), kBalancing.end(), one.name) != kBalancing.end();
      if (balances && is_kept) found.push_back(&one);
    }
  }
  return found;
}

Directives find_unkept_passes(const Site& site) {
  return passes_where(site,
                      [](const Pass& pass) { return !is_on(pass.level(), "fastcgi_keep_conn"); });
}

// Of the answer to a subrequest nginx reads no more than it is to store.
Directives find_unkept_questions(const Site& site) {
  return passes_where(site, [](const Pass& pass) {
    const Directives params = in_effect(pass.level(), "fastcgi_param");
    const bool asks = std::any_of(params.begin(), params.end(), [](const Directive* param) {
      return param->says(0, "SLUICE_GATE");
    });
    return asks && in_effect(pass.level(), "fastcgi_store").empty() &&
           in_effect(pass.level(), "fastcgi_cache").empty();
  });
}

// nginx never takes the only server off its list.
Directives find_max_fails(const Site& site) {
  Directives found;
  for (const Directive* upstream : site.upstreams()) {
    const Directives servers = own(*upstream, "server");
    if (servers.size() < 2) continue;
    for (const Directive* server : servers) {
      const auto& words = server->arguments;
      if (std::find(words.begin(), words.end(), "max_fails=0") == words.end())
        found.push_back(server);
    }
  }
  return found;
}

Directives find_intercepted(const Site& site) {
  return turned_on(site, "fastcgi_intercept_errors");
}

Directives find_proxy_intercepted(const Site& site) {
  Directives found;
  for (const Directive* pass : site.named("proxy_pass")) {
    if (!is_on(*pass->parent, "proxy_intercept_errors")) continue;
    for (const Directive* page : in_effect(*pass->parent, "error_page")) {
      const auto& words = page->arguments;
      if (std::find(words.begin(), words.end(), "429") != words.end()) found.push_back(pass);
    }
  }
  return found;
}

Directives find_unbuffered(const Site& site) {
  Directives found;
  for (const Pass& pass : site.passes()) {
    const Directive& level = pass.level();
    const Directives body = in_effect(level, "fastcgi_pass_request_body");
    if (!body.empty() && body.front()->says(0, "off")) continue;
    for (const Directive* one : in_effect(level, "fastcgi_request_buffering")) {
      if (one->says(0, "off")) found.push_back(one);
    }
  }
  return found;
}

// Before nginx knows the host, it goes by the default server of the port.
Directives find_underscores(const Site& site) {
  Directives ours;
  for (const Directive* level : site.levels()) {
    if (const auto* server = nginx_config::around(*level, "server")) ours.push_back(server);
  }
  Directives found;
  for (const Directive* server : site.named("server")) {
    if (!is_on(*server, "underscores_in_headers")) continue;
    const auto is_near = [&](const Directive* one) {
      return one == server || listens_beside(*one, *server);
    };
    if (std::any_of(ours.begin(), ours.end(), is_near)) {
      found.push_back(in_effect(*server, "underscores_in_headers").front());
    }
  }
  return found;
}

Directives find_open_sockets(const Site& site) {
  return sockets_where(site, [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0;
  });
}

Directives find_absent_sockets(const Site& site) {
  return sockets_where(site, [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode);
  });
}

Directives find_remote_sockets(const Site& site) {
  Directives found = site.sockets();
  std::erase_if(found, [](const Directive* socket) {
    const std::string& address = socket->arguments.front();
    return address.starts_with(kUnix) || is_loopback(address);
  });
  return found;
}

}  // namespace sluice::doctor
