#include "telemetry/denial_log.h"

#include <cstring>

#include "base/append.h"
#include "identity/address/client_ip.h"
#include "identity/credentials/fingerprint.h"

namespace sluice::telemetry {
namespace {

using limits::Decision;

// Ids are random, so they choose as dice do; and all lines of a decision are chosen together.
bool is_chosen(const Decision& decision, std::int64_t one_in) {
  if (one_in <= 1 || !decision.id) return true;
  std::uint64_t dice = 0;
  std::memcpy(&dice, decision.id->data(), sizeof dice);
  return dice % static_cast<std::uint64_t>(one_in) == 0;
}

std::string hex(const std::optional<DecisionId>& id) {
  std::string text;
  if (id) append_hex(text, *id);
  return text;
}

// What nginx says of a user without a tenant is a fact like others.
std::string_view user_of(const identity::Identity& identity) {
  const auto fact = identity.facts.find("user");
  return identity.user.empty() && fact != identity.facts.end() ? fact->second : identity.user;
}

// Whoever has a session's id might make a token of it.
std::string session_of(const identity::Identity& identity) {
  if (!identity.session) return "";
  const auto& id = *identity.session;
  return identity::fingerprint({reinterpret_cast<const char*>(id.data()), id.size()});
}

// Of one limit, or of none.
struct Facts {
  std::string limit;
  std::string list;
  std::string rate;
  std::string scope;
  std::string_view mode;
  std::string remaining;
  std::string reset_after;
  std::string retry_after;
};

std::string wait_text(Duration wait) {
  return wait == limits::kNever ? "" : number_text(ceil_seconds(wait));
}

Facts facts_of(const Decision& decision, std::size_t i) {
  const limits::Limit& limit = *decision.limits[i];
  const limits::Balance& balance = decision.balances[i];
  return {.limit = limit.name,
          .list = list_of(limit),
          .rate = limit.text(),
          .scope = limit.scope.text(),
          .mode = limits::to_name<limits::Mode>(limits::kModeNames, limit.mode),
          .remaining = number_text(balance.remaining),
          .reset_after = wait_text(balance.reset_after),
          .retry_after = wait_text(balance.retry_after)};
}

}  // namespace

std::string list_of(const limits::Limit& limit) {
  if (!limit.plan.empty()) return "plan:" + limit.plan;
  return limit.tenant.empty() ? "defaults" : "tenants";
}

void DenialLog::tell(const Decided& seen, const Options& options, Time now) {
  const Decision& decision = seen.decision;
  // Where a session was ended, there is another decision, about the address.
  if (decision.barred_by == limits::BarredBy::kEndedSession) return;
  const bool chosen = is_chosen(decision, options.one_in);
  const auto tell_of = [&](std::string_view reason, std::optional<std::size_t> limit) {
    if (chosen && has_room(options, now)) {
      write(seen, reason, limit);
    } else {
      ++left_out_;
    }
  };
  if (!decision.allowed && decision.source == limits::Source::kOnStoreError) {
    tell_of("on_store_error", std::nullopt);
  }
  if (!decision.allowed && decision.barred_by == limits::BarredBy::kLockOut) {
    tell_of("locked_out", std::nullopt);
  }
  for (std::size_t i = 0; i < decision.balances.size(); ++i) {
    const bool is_shadow = decision.limits[i]->mode == limits::Mode::kShadow;
    if (decision.denied_by(i) || (is_shadow && decision.lacks_room(i))) tell_of("limit", i);
  }
}

bool DenialLog::has_room(const Options& options, Time now) {
  if (!log_ || options.per_second == 0) return false;
  if (now - second_began_ >= std::chrono::seconds(1)) {
    second_began_ = now;
    written_ = 0;
  }
  if (written_ >= options.per_second) return false;
  ++written_;
  return true;
}

void DenialLog::write(const Decided& seen, std::string_view reason,
                      std::optional<std::size_t> limit) {
  const Decision& decision = seen.decision;
  const identity::Identity& identity = seen.identity;
  Facts facts = limit ? facts_of(decision, *limit) : Facts{};
  const std::int64_t cost =
      limit ? seen.cost.of(*decision.limits[*limit]).value_or(0) : seen.cost.requests;
  if (reason == "locked_out") facts.retry_after = wait_text(decision.barred_for);
  log_->info("denied",
             {{"decision", hex(decision.id)},
              {"reason", reason},
              {"source", limits::to_name<limits::Source>(limits::kSourceNames, decision.source)},
              {"route", seen.route},
              {"cost", number_text(cost)},
              {"tenant", identity.proved_tenant()},
              {"user", user_of(identity)},
              {"api_key", identity.api_key},
              {"address", identity::readable_address(identity.address)},
              {"session", session_of(identity)},
              {"limit", facts.limit},
              {"list", facts.list},
              {"rate", facts.rate},
              {"scope", facts.scope},
              {"mode", facts.mode},
              {"remaining", facts.remaining},
              {"reset_after_s", facts.reset_after},
              {"retry_after_s", facts.retry_after},
              {"left_out", number_text(static_cast<std::int64_t>(left_out_))}});
  left_out_ = 0;
}

}  // namespace sluice::telemetry
