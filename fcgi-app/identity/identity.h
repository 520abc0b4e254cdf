// Who sends a request, as far as it could be proved without any I/O.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace sluice::identity {

// What a route asks a request to show.
enum class Credentials {
  kNone,     // nothing; only the address is read
  kTenant,   // a tenant, in the JSON body
  kSession,  // tenant and session, in headers and JSON body; or an API key, in headers
  kHeaders,  // the same in headers alone: a GET has no body
  kGate,     // what nginx says of it; or a session or API key that is genuine, in headers: what is
             // not ours is the application's own, and no false claim
};

struct Identity {
  std::string address;               // canonical, see client_ip.h
  std::string tenant;                // a configured tenant, or empty
  std::optional<SessionId> session;  // verified; of kKnown and kPartial, and of kExempt
  TimePoint session_expires_at{};    // of `session`
  std::string api_key;               // the id of the key that was proved, or empty
  std::string user;                  // whose key that is, or empty; at the gate also who nginx says
  // Fingerprints of the headers that a scope counts per, by name in lower case; absent ones are not
  // in it.
  std::map<std::string, std::string, std::less<>> headers;
  // The same of the facts that nginx says ($sluice_fact_NAME), by NAME.
  std::map<std::string, std::string, std::less<>> facts;
  std::string_view token;  // what the request claims for it, in its memory; or empty
  Standing standing = Standing::kAnonymous;
  // If set, the request is answered with this error. A false claim has standing kRejected, or
  // kExempt if its address is exempt. A request that cannot be understood never has kKnown.
  std::optional<Error> rejection;

  // The tenant, if it is proved: the name of another's can be claimed.
  [[nodiscard]] std::string_view proved_tenant() const {
    const bool is_proved = session || !api_key.empty() || standing == Standing::kKnown;
    return is_proved ? std::string_view(tenant) : std::string_view();
  }

  // The route that is asked for, and what was proved besides the address, in words: what two
  // parties that know the address have to agree on.
  [[nodiscard]] std::string who(std::string_view route) const;

  // The request cannot be understood, which is no false claim: it is charged to the address, and to
  // what it proved besides. The first reason stays.
  void refuse(Error why) {
    if (rejection) return;
    rejection = std::move(why);
    if (standing == Standing::kKnown) standing = Standing::kPartial;
  }
};

}  // namespace sluice::identity
