#include "doctor/doctor.h"

#include <array>

#include <fmt/format.h>

#include "doctor/addresses.h"
#include "doctor/gates.h"
#include "doctor/pools.h"
#include "doctor/words.h"

namespace sluice::doctor {
namespace {

constexpr auto kFinding = Severity::kFinding;
constexpr auto kWarning = Severity::kWarning;

constexpr std::array kChecks{
    Check{"trust in all", kFinding, find_trust_in_all,
          "every client can say what its address is; name your proxies alone"},
    Check{"idle realip", kFinding, find_idle_realip,
          "does nothing without set_real_ip_from, so that all clients behind a proxy are one; name "
          "your proxies, or remove it"},
    Check{"two walks", kFinding, find_two_walks,
          "Sluice's config has client_address.trusted_proxies too, and a client that is looked for "
          "twice may say who it is; remove one of them"},
    Check{"written address", kFinding, find_written_address,
          "a client can write this; pass $remote_addr"},
    Check{
        "no address", kFinding, find_no_address,
        "REMOTE_ADDR is not passed, so that all clients are one; include sluice_params beside it"},
    Check{"underscores", kFinding, find_underscores,
          "X_Tenant_ID and X-Tenant-ID become one header; turn it off"},
    Check{"direct pass", kFinding, find_direct_passes,
          "no connection is kept, as this is no upstream; pass to an upstream with keepalive"},
    Check{"unkept upstream", kFinding, find_unkept_upstreams,
          "no connection is kept; add keepalive 64; as its last line"},
    Check{"late balancing", kFinding, find_late_balancing,
          "keepalive before it has no effect; put keepalive behind it"},
    Check{"unkept pass", kFinding, find_unkept_passes,
          "each connection is closed after one answer; add fastcgi_keep_conn on;"},
    Check{"unkept question", kFinding, find_unkept_questions,
          "no connection is kept, as nginx does not read the gate's answer to its end; add "
          "fastcgi_store /dev/null/nothing;"},
    Check{"max_fails", kWarning, find_max_fails,
          "while a worker is replaced, nginx takes it off its list; add max_fails=0"},
    Check{"intercepted", kFinding, find_intercepted,
          "nginx's own pages replace the workers' answers; turn it off where they answer"},
    Check{"intercepted by proxy", kWarning, find_proxy_intercepted,
          "error_page 429 replaces the answers behind it; if Sluice is there, turn "
          "proxy_intercept_errors off"},
    Check{"unbuffered", kFinding, find_unbuffered,
          "a client that sends its body slowly holds a worker's connection; turn it on"},
    Check{"open socket", kFinding, find_open_sockets,
          "everybody on this host can write to this socket, and so claim to be any client; "
          "chmod o-w it, and give it mode 0660 where it is made"},
    Check{"absent socket", kWarning, find_absent_sockets,
          "no such socket can be seen here; start the worker, or look on nginx's host, as root"},
    Check{"remote socket", kWarning, find_remote_sockets,
          "whoever reaches this address can claim to be any client; use a unix socket, or a "
          "network that only nginx is in"},
    Check{"charged again", kFinding, find_charged_again,
          "each internal redirect is charged once more; include sluice_gate.conf in it"},
    Check{"no status", kFinding, find_no_status,
          "a denial has lost its status; include sluice_gate.conf in it"},
    Check{"no path", kFinding, find_no_path,
          "the gate is not told the path, so that no route matches it; include sluice_gate.conf in "
          "it, as `set` is not inherited"},
    Check{"unmapped", kFinding, find_unmapped,
          "a denial is a bare 401, as its own error_page replaces the server's; include "
          "sluice_denied.conf in it"},
    Check{"other mapping", kWarning, find_other_mapping,
          "answers a denial, in the place of Sluice's 429; include sluice_denied.conf before it"},
    Check{"no fields", kWarning, find_no_fields,
          "its add_header replaces the server's, so that no RateLimit is shown; include "
          "sluice_fields.conf in it"},
    Check{"no cors", kWarning, find_no_cors,
          "its add_header replaces the server's, so that no page of another origin can read it; "
          "include sluice_cors.conf in it"},
    Check{"claimed decision", kWarning, find_claimed_decisions,
          "its application is not told X-Decision-ID, and a client can send one of its own; add "
          "proxy_set_header X-Decision-ID $sluice_decision_id; or what README.md has in its place"},
    Check{"unknown route", kFinding, find_unknown_routes,
          "Sluice's config has no such route, and answers 503; name one of its routes"},
    Check{
        "claimed fact", kWarning, find_claimed_facts,
        "any client can say so; use what nginx has verified, or put a limit by address beside it"},
    Check{
        "untold fact", kFinding, find_untold_facts,
        "no question tells a worker, so that it counts nothing; add fastcgi_param "
        "SLUICE_FACT_NAME $sluice_fact_name if_not_empty; to sluice_facts.conf beside nginx.conf"},
    Check{"answered first", kFinding, find_answered_first,
          "nginx answers its return before it asks, so that nothing is limited; let a location "
          "without the gate return, and try_files lead to it"},
    Check{"broken off", kFinding, find_broken_off,
          "ends nginx's rewriting before the gate is told the path; put it after the include of "
          "sluice_gate.conf"},
    Check{"replaced field", kWarning, find_replaced_fields,
          "a server with a gate has fields of its own, and loses this one; write it there too"},
    Check{"replaced page", kWarning, find_replaced_pages,
          "a server with a gate has error pages of its own, and loses this one; write it there "
          "too"},
    Check{"nothing", kWarning, find_nothing,
          "nothing here asks Sluice; include sluice_gate.conf in a location, or pass to a pool"},
};

}  // namespace

std::span<const Check> checks() {
  return kChecks;
}

void examine(const Site& site, const nginx_config::Tree& tree, config::Report& report) {
  for (const std::string& file : tree.files) report.add_file(file);
  for (const Check& check : kChecks) {
    for (const Directive* blamed : check.find(site)) {
      const std::string shown = blamed->text();
      std::string text = fmt::format("{}{}{}", shown, shown.empty() ? "" : ": ", check.words);
      if (check.severity == kFinding) {
        report.complain(blamed->place, std::move(text));
      } else {
        report.warn(blamed->place, std::move(text));
      }
    }
  }
}

}  // namespace sluice::doctor
