#include "commands/operate.h"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>

#include "base/task_group.h"
#include "base/unique_fd.h"
#include "loop/loop.h"
#include "policy/policy.h"
#include "policy/regions.h"
#include "store/assembly.h"

namespace sluice::commands {
namespace {

using limiter::CallerLimit;
using limits::Fact;
using limits::Limit;

constexpr std::string_view kKept = "  kept: others share it; --shared resets it too";

constexpr loop::Milliseconds kPatience{2'000};

// "chat  route chat  scope session  8 per 10 seconds".
std::string title(const CallerLimit& one, const identity::Identity& identity) {
  const Limit& limit = *one.limit;
  const bool is_other = limit.tenant.empty() && !identity.tenant.empty();
  const std::string routes = limit.scope.has(Fact::kRoute)
                                 ? std::string(one.route)
                                 : fmt::format("{}", fmt::join(one.routes, ","));
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

// What an operator is shown of the buckets, before a reset with those that it leaves alone.
Task<Result<std::string>> shown(Buckets& buckets, limiter::Limiter& limiter, bool before_reset) {
  const auto peeked = co_await limiter::peek_at(buckets.limits, limiter, buckets.identity);
  if (!peeked) co_return tl::unexpected(peeked.error());
  std::string text;
  for (const CallerLimit& one : buckets.limits) {
    text += fmt::format("{}  used {}/{}  remaining {}  reset {} s{}{}\n",
                        title(one, buckets.identity), one.used(), one.limit->terms().capacity,
                        one.balance.remaining, ceil_seconds(one.balance.reset_after),
                        one.limit->mode == limits::Mode::kShadow ? "  shadow" : "",
                        before_reset && buckets.keeps(*one.limit) ? kKept : "");
  }
  const limits::LimitSet none;
  for (const identity::Identity& identity : identities_of(buckets.identity)) {
    const limits::Decision standing = co_await limiter.decide(none, identity, "", 0);
    const std::string_view who = identity.standing == Standing::kKnown ? "" : "the address is ";
    if (standing.barred_by == limits::BarredBy::kEndedSession)
      text += "the session has been ended\n";
    if (standing.barred_by == limits::BarredBy::kLockOut) {
      text += fmt::format("{}locked out for {} s\n", who, ceil_seconds(standing.barred_for));
    }
  }
  text += skipped_lines(buckets);
  co_return text.empty() ? "no limit applies\n" : text;
}

std::size_t count_of_reset(const Buckets& buckets) {
  const auto is_reset = [&](const CallerLimit& one) { return !buckets.keeps(*one.limit); };
  return static_cast<std::size_t>(
      std::count_if(buckets.limits.begin(), buckets.limits.end(), is_reset));
}

// Resets those of `limits` that a reset does not leave alone; yields how many had been in use.
Task<Result<std::int64_t>> reset_limits(limits::LimitSet limits, const Buckets& buckets,
                                        std::string_view route, limiter::Limiter& limiter) {
  std::erase_if(limits, [&](const Limit* limit) { return buckets.keeps(*limit); });
  const auto count = co_await limiter.reset(limits, buckets.identity, route);
  if (!count || !buckets.with_shared) co_return count;
  const auto crowds = co_await limiter.reset_crowds(limits, buckets.identity, route);
  if (!crowds) co_return crowds;
  co_return count;
}

// An operator waits longer than a request may, and makes no file: that is for the workers.
store::Assembly::Options patient(store::Assembly::Options options) {
  redis::Wire::Options& wire = options.redis.wire;
  wire.connect_timeout = std::max(wire.connect_timeout, kPatience);
  wire.command_timeout = std::max(wire.command_timeout, kPatience);
  options.shared_memory.create = false;
  return options;
}

Task<void> finish(Task<Result<std::string>> work, Result<std::string>& result, loop::Loop& loop) {
  result = co_await std::move(work);
  loop.stop();
}

struct OperateFlags {
  std::string config = {};
  Whose whose = {};
  bool dry_run = false;
};

int ask(const OperateFlags& flags, Operation operation) {
  const auto config = load_config(flags.config);
  if (!config) return complain(config.error());
  const auto text = operate(*config, flags.whose, operation);
  if (!text) return complain(text.error());
  fmt::print("{}", *text);
  return kOk;
}

CLI::App* add_operation(CLI::App& cli, const std::string& name, const std::string& purpose,
                        OperateFlags& flags) {
  auto* command = cli.add_subcommand(name, purpose);
  command->footer(
      "Whose: --session or --api-key for a client of a tenant, --tenant for what a tenant's\n"
      "clients share, --ip for the defaults, which callers without either are counted by. The\n"
      "store is the config's, or RATE_LIMIT_STORAGE_URI. A session is checked with the config's\n"
      "secrets, or those of SLUICE_SECRETS or SLUICE_SECRET_FILE.\n"
      "With shm://, run it as the workers' user: the file is theirs alone.");
  command->add_option("-c,--config", flags.config, "Config file")->required();
  command->add_option("--tenant", flags.whose.tenant, "Id of the tenant; --session implies it");
  command->add_option("--session", flags.whose.session, "Session, as POST /session gave it");
  command->add_option("--ip", flags.whose.address, "Address of the client");
  command->add_option("--api-key", flags.whose.api_key,
                      "Id of the client's API key; implies the tenant");
  command->add_option("--route", flags.whose.route,
                      "Only the limits of this route (of false claims: identity_failure)");
  return command;
}

}  // namespace

Task<Result<std::string>> peek(Buckets& buckets, limiter::Limiter& limiter) {
  return shown(buckets, limiter, false);
}

Task<Result<std::string>> reset(Buckets& buckets, limiter::Limiter& limiter) {
  auto text = co_await shown(buckets, limiter, true);
  if (!text) co_return text;
  std::int64_t in_use = 0;
  for (std::size_t i = 0; i < buckets.limits.size();) {
    const auto limits = limiter::limits_at_front(std::span(buckets.limits).subspan(i));
    const auto count = co_await reset_limits(limits, buckets, buckets.limits[i].route, limiter);
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
  co_return fmt::format("{}{} of {} buckets had been in use\n{}", *text, in_use,
                        count_of_reset(buckets), forgiven ? "denials are forgotten\n" : "");
}

Task<Result<std::string>> preview_reset(Buckets& buckets, limiter::Limiter& limiter) {
  auto text = co_await shown(buckets, limiter, true);
  if (!text) co_return text;
  co_return fmt::format("{}{} of {} buckets would be reset; nothing was changed\n", *text,
                        count_of_reset(buckets), buckets.limits.size());
}

Result<std::string> operate(const config::Loaded& config, const Whose& whose, Operation operation) {
  if (config.deployment.store.kind == store::Kind::kMemory) {
    return fail(ErrorCode::kBadRequest,
                fmt::format("{}: each worker keeps its own counts, nobody else can see them",
                            config.deployment.store.text()));
  }
  const SystemClock clock;
  const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  telemetry::Log log(nowhere.get(), clock, {});  // what it says is a worker's business
  loop::Loop loop;
  auto store = store::Assembly::make(patient(config.deployment.store), loop, clock, log);
  if (!store) return tl::unexpected(store.error());
  const auto shared = policy::open_regions(config.deployment.shared_file, false, log);
  if (!shared) return tl::unexpected(shared.error());
  limiter::Limiter limiter(store->buckets(), store->clock(),
                           shared->memory(policy::kNewcomersRegion),
                           policy::limiter_options(config.policy, config.deployment.key_prefix));
  Result<Buckets> buckets = fail(ErrorCode::kInternal);
  Result<std::string> result = fail(ErrorCode::kStoreUnavailable);
  TaskGroup tasks([&](std::string_view /*name*/, std::string_view what) {
    result = fail(ErrorCode::kInternal, std::string(what));
    loop.stop();
  });
  store->when_settled([&] {
    buckets = find_buckets(config, whose, store->clock().now());
    if (!buckets) return loop.stop();
    tasks.start("operate", finish(operation(*buckets, limiter), result, loop));
  });
  loop.run();
  if (!buckets) return tl::unexpected(buckets.error());
  if (result || result.error().code == ErrorCode::kInternal) return result;
  const std::string why = store->trouble();
  return fail(result.error().code,
              fmt::format("{}: {}", config.deployment.store.text(),
                          why.empty() ? "the store does not answer as it should" : why));
}

void add_peek(CLI::App& cli, int& code) {
  const auto flags = std::make_shared<OperateFlags>();
  add_operation(cli, "peek", "Show how the buckets of a client stand; costs nobody anything",
                *flags)
      ->callback([flags, &code] { code = ask(*flags, peek); });
}

void add_reset(CLI::App& cli, int& code) {
  const auto flags = std::make_shared<OperateFlags>();
  auto* command = add_operation(
      cli, "reset", "Give a client back the full quota of what is its own, and show it", *flags);
  command->add_flag("--shared", flags->whose.shared,
                    "Also what others are counted in: buckets of the tenant beside a session, an "
                    "address or a key; global ones; and the counts of new buckets");
  command->add_flag("--dry-run", flags->dry_run, "Show what would be reset, and change nothing");
  command->callback([flags, &code] { code = ask(*flags, flags->dry_run ? preview_reset : reset); });
}

}  // namespace sluice::commands
