#include "doctor/addresses.h"

#include "doctor/words.h"

namespace sluice::doctor {
namespace {

using nginx_config::in_effect;

constexpr std::string_view kProxies = "set_real_ip_from";

Directives address_params(const Pass& pass) {
  Directives found;
  for (const Directive* param : in_effect(pass.level(), "fastcgi_param")) {
    if (param->says(0, "REMOTE_ADDR") && param->arguments.size() > 1) found.push_back(param);
  }
  return found;
}

}  // namespace

Directives find_trust_in_all(const Site& site) {
  Directives found;
  for (const Directive* level : site.levels()) {
    for (const Directive* proxy : in_effect(*level, kProxies)) {
      const bool is_all = !proxy->arguments.empty() && proxy->arguments.front().ends_with("/0");
      if (is_all) found.push_back(proxy);
    }
  }
  return found;
}

Directives find_idle_realip(const Site& site) {
  Directives found;
  for (const Directive* level : site.levels()) {
    if (!in_effect(*level, kProxies).empty()) continue;
    for (const Directive* header : in_effect(*level, "real_ip_header")) found.push_back(header);
  }
  return found;
}

Directives find_two_walks(const Site& site) {
  Directives found;
  if (!site.known() || !site.known()->trusts_proxies) return found;
  for (const Directive* level : site.levels()) {
    for (const Directive* proxy : in_effect(*level, kProxies)) found.push_back(proxy);
  }
  return found;
}

Directives find_written_address(const Site& site) {
  const ClientWords client(site);
  Directives found;
  for (const Pass& pass : site.passes()) {
    for (const Directive* param : address_params(pass)) {
      if (client.can_write(param->arguments[1])) found.push_back(param);
    }
  }
  return found;
}

Directives find_no_address(const Site& site) {
  Directives found;
  for (const Pass& pass : site.passes()) {
    if (address_params(pass).empty()) found.push_back(pass.pass);
  }
  return found;
}

}  // namespace sluice::doctor
