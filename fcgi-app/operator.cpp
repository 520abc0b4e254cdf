#include "operator.h"

#include <algorithm>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/unique_fd.h"
#include "identity/client_ip.h"
#include "loop/loop.h"
#include "routes.h"
#include "storage.h"

namespace sluice {
namespace {

using handlers::ListedLimit;
using limits::Fact;
using limits::kIdentityFailure;
using limits::Limit;

// An operator waits longer than a request may.
constexpr loop::Milliseconds kPatience{2'000};

tl::unexpected<Error> refuse(std::string what) {
  return fail(ErrorCode::kBadRequest, std::move(what));
}

Result<identity::Session> verified(const config::Config& config, const Whose& whose,
                                   TimePoint now) {
  auto secrets = config.sessions.read_secrets();
  if (!secrets) return tl::unexpected(secrets.error());
  auto session = identity::SessionTokens(std::move(*secrets)).verify(whose.session, now);
  if (!session) return refuse("--session: not signed with the configured secrets, or expired");
  if (!whose.tenant.empty() && whose.tenant != session->tenant) {
    return refuse(
        fmt::format("--session: belongs to {}, not to {}", session->tenant, whose.tenant));
  }
  return session;
}

// Adds the key of this id to `identity`, which has the tenant if that is known already.
Result<identity::Identity> with_api_key(const config::Config& config, const std::string& id,
                                        identity::Identity identity) {
  if (!config.identity.api_keys) return refuse("--api-key: the config has no api_keys.file");
  const identity::ApiKey* const key = config.identity.api_keys->find_id(id);
  // What it says is not repeated: it may be a key, and this goes to a log.
  if (!key) {
    return refuse(
        "--api-key: no key has this id (the id, not the key); sluice key list shows them");
  }
  if (!identity.tenant.empty() && identity.tenant != key->tenant) {
    return refuse(fmt::format("--api-key: belongs to {}, not to {}", key->tenant, identity.tenant));
  }
  identity.tenant = key->tenant;
  identity.api_key = key->id;
  identity.user = key->user;
  return identity;
}

// A client of this tenant, session, API key and address, as the resolver would know it.
Result<identity::Identity> identify(const config::Config& config, const Whose& whose,
                                    TimePoint now) {
  identity::Identity identity;
  identity.tenant = whose.tenant;
  if (!whose.session.empty()) {
    auto session = verified(config, whose, now);
    if (!session) return tl::unexpected(session.error());
    identity.tenant = std::move(session->tenant);
    identity.session = session->id;
  }
  if (!whose.api_key.empty()) {
    auto with_key = with_api_key(config, whose.api_key, std::move(identity));
    if (!with_key) return with_key;
    identity = std::move(*with_key);
  }
  if (!identity.tenant.empty() && !config.plans->has_tenant(identity.tenant)) {
    return refuse(fmt::format("--tenant: the config has no \"{}\"", identity.tenant));
  }
  if (!whose.address.empty()) {
    const auto address = identity::parse_address(whose.address);
    if (!address) return refuse(fmt::format("--ip: \"{}\" is no address", whose.address));
    const auto v4 = identity::v4_in(*address, config.identity.nat64_prefixes);
    identity.address = identity::canonical_address(v4 ? v4 : address, config.identity.ipv6_prefix);
  }
  if (identity.tenant.empty() && identity.address.empty()) {
    return refuse("say whose: --tenant, --session, --api-key or --ip");
  }
  const bool has_both = !identity.tenant.empty() && !identity.address.empty();
  identity.standing = has_both                  ? Standing::kPartial
                      : identity.tenant.empty() ? Standing::kAnonymous
                                                : Standing::kKnown;
  return identity;
}

Result<std::vector<std::string_view>> chosen_routes(const std::string& route) {
  auto routes = route_names();
  routes.push_back(kIdentityFailure);
  if (route.empty()) return routes;
  const auto found = std::find(routes.begin(), routes.end(), route);
  if (found == routes.end()) {
    return refuse(fmt::format("--route: \"{}\" is none of {}", route, fmt::join(routes, ", ")));
  }
  return std::vector{*found};
}

// What of the identity the bucket's key would lack; empty if nothing. A request that lacks it is
// counted with its address, but it is not such requests that an operator asks about.
std::string_view missing_for(const ListedLimit& listed, const identity::Identity& identity) {
  for (const limits::ScopePart& part : listed.limit->scope.parts) {
    if (part.fact == Fact::kTenant && identity.tenant.empty()) return "--tenant";
    if (part.fact == Fact::kSession && !identity.session && identity.user.empty()) {
      return "--session";
    }
    if (part.fact == Fact::kIp && identity.address.empty()) return "--ip";
    const bool of_key = part.fact == Fact::kApiKey || part.fact == Fact::kUser;
    if (of_key && identity.api_key.empty()) return "--api-key";
    if (part.fact == Fact::kHeader) return "a header";
    if (part.fact == Fact::kRoute && listed.route == kIdentityFailure) return "a route";
  }
  return "";
}

// "chat  route chat  scope session  8 per 10 seconds".
std::string title(const ListedLimit& listed, const identity::Identity& identity) {
  const Limit& limit = *listed.limit;
  const bool is_other = limit.tenant.empty() && !identity.tenant.empty();
  const std::string routes = limit.scope.has(Fact::kRoute)
                                 ? std::string(listed.route)
                                 : fmt::format("{}", fmt::join(listed.routes, ","));
  return fmt::format("{}{}  route {}  scope {}  {}", is_other ? "default:" : "", limit.name, routes,
                     limit.scope.text(), limit.text());
}

std::string skipped_lines(const Buckets& buckets) {
  std::string text;
  for (const auto& [limit, missing] : buckets.skipped) {
    text += fmt::format("{}  skipped: it takes {} to name its bucket\n",
                        title(limit, buckets.identity), missing);
  }
  return text;
}

// Whose lock-outs to look at: of a session and an address, both.
std::vector<identity::Identity> identities_of(const identity::Identity& identity) {
  std::vector<identity::Identity> all{identity};
  if (identity.standing != Standing::kPartial) return all;
  all.front().standing = Standing::kKnown;
  identity::Identity address = identity;
  address.session.reset();
  address.standing = Standing::kAnonymous;
  all.push_back(std::move(address));
  return all;
}

// Storage throws, as for a worker; an operator is told in the same way as all else.
Result<Storage> open_storage(const config::Config& config, loop::Loop& loop, const Clock& clock,
                             telemetry::Log& log) {
  try {
    return Storage(config, loop, clock, log);
  } catch (const std::runtime_error& error) {
    return fail(ErrorCode::kSystem, error.what());
  }
}

// One line, whatever a stranger at Redis's address said.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

Task<void> finish(Task<Result<std::string>> work, Result<std::string>& result, loop::Loop& loop) {
  result = co_await std::move(work);
  loop.stop();
}

}  // namespace

Result<Buckets> find_buckets(const config::Config& config, const Whose& whose, TimePoint now) {
  auto identity = identify(config, whose, now);
  if (!identity) return tl::unexpected(identity.error());
  const auto routes = chosen_routes(whose.route);
  if (!routes) return tl::unexpected(routes.error());
  Buckets buckets{std::move(*identity), {}, {}};
  for (ListedLimit& listed : handlers::list_limits(*config.plans, buckets.identity, *routes)) {
    const std::string_view missing = missing_for(listed, buckets.identity);
    if (missing.empty()) {
      buckets.limits.push_back(std::move(listed));
    } else {
      buckets.skipped.push_back({std::move(listed), missing});
    }
  }
  return buckets;
}

Task<Result<std::string>> peek(Buckets& buckets, limiter::Limiter& limiter) {
  const handlers::Peek ask = [&](const limits::LimitSet& limits, const identity::Identity& identity,
                                 std::string_view route) {
    return limiter.decide(limits, identity, route, 0);
  };
  const auto peeked = co_await handlers::peek_at(buckets.limits, ask, buckets.identity);
  if (!peeked) co_return tl::unexpected(peeked.error());
  std::string text;
  for (const ListedLimit& listed : buckets.limits) {
    text +=
        fmt::format("{}  used {}/{}  remaining {}  reset {} s{}\n", title(listed, buckets.identity),
                    listed.used(), listed.limit->terms().capacity, listed.balance.remaining,
                    ceil_seconds(listed.balance.reset_after),
                    listed.limit->mode == limits::Mode::kShadow ? "  shadow" : "");
  }
  const limits::LimitSet none;
  for (const identity::Identity& identity : identities_of(buckets.identity)) {
    const limits::Decision standing = co_await limiter.decide(none, identity, "", 0);
    const std::string_view who = identity.standing == Standing::kKnown ? "" : "the address is ";
    if (standing.hold == limits::Hold::kRevoked) text += "the session is revoked\n";
    if (standing.hold == limits::Hold::kPenalty) {
      text += fmt::format("{}locked out for {} s\n", who, ceil_seconds(standing.held_for));
    }
  }
  text += skipped_lines(buckets);
  co_return text.empty() ? "no limit applies\n" : text;
}

Task<Result<std::string>> reset(Buckets& buckets, limiter::Limiter& limiter) {
  std::int64_t in_use = 0;
  for (std::size_t i = 0; i < buckets.limits.size();) {
    const auto limits = handlers::limits_at_front(std::span(buckets.limits).subspan(i));
    const auto count = co_await limiter.reset(limits, buckets.identity, buckets.limits[i].route);
    if (!count) co_return tl::unexpected(count.error());
    in_use += *count;
    i += limits.size();
  }
  bool forgiven = false;
  for (const identity::Identity& identity : identities_of(buckets.identity)) {
    const auto any = co_await limiter.forgive(identity);
    if (!any) co_return tl::unexpected(any.error());
    forgiven = forgiven || *any;
  }
  co_return skipped_lines(buckets) + fmt::format("{} of {} buckets had been in use\n{}", in_use,
                                                 buckets.limits.size(),
                                                 forgiven ? "denials are forgotten\n" : "");
}

Result<std::string> operate(const config::Config& config, const Whose& whose, Operation operation) {
  if (config.storage == config::Storage::kMemory) {
    return refuse(fmt::format("{}: each worker keeps its own counts, nobody else can see them",
                              config.storage_text()));
  }
  const SystemClock clock;
  const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  telemetry::Log log(nowhere.get(), clock, {});  // what it says is a worker's business
  loop::Loop loop;
  config::Config patient = config;
  store::redis::Wire::Options& wire = patient.redis.wire;
  wire.connect_timeout = std::max(wire.connect_timeout, kPatience);
  wire.command_timeout = std::max(wire.command_timeout, kPatience);
  patient.shared_memory.create = false;  // that is for the workers
  auto storage = open_storage(patient, loop, clock, log);
  if (!storage) return tl::unexpected(storage.error());
  limiter::Limiter limiter(storage->buckets(), config.limiter);
  Result<Buckets> buckets = fail(ErrorCode::kInternal);
  Result<std::string> result = fail(ErrorCode::kStoreUnavailable);
  storage->when_settled([&] {
    buckets = find_buckets(config, whose, storage->clock().now());
    if (!buckets) return loop.stop();
    start(finish(operation(*buckets, limiter), result, loop));
  });
  loop.run();
  if (!buckets) return tl::unexpected(buckets.error());
  if (result) return result;
  const std::string why = storage->trouble();
  return fail(result.error().code,
              fmt::format("{}: {}", config.storage_text(),
                          why.empty() ? "the store does not answer as it should" : one_line(why)));
}

}  // namespace sluice
