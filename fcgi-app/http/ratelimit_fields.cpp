#include "http/ratelimit_fields.h"

#include <algorithm>

#include "base/append.h"

namespace sluice::http {
namespace {

using limits::Balance;
using limits::Decision;
using limits::Limit;
using limits::Mode;

// Of a default that applies beside a tenant's limit of the same name.
constexpr std::string_view kDefaultPrefix = "default:";

constexpr std::size_t kUsualList = 64;  // for which memory is taken once

// What clients are told besides the limit's own name.
std::string_view prefix_of(std::span<const Limit* const> all, const Limit& limit) {
  if (!limit.tenant.empty()) return "";
  const bool shared = std::any_of(all.begin(), all.end(), [&](const Limit* other) {
    return other != &limit && other->name == limit.name;
  });
  return shared ? kDefaultPrefix : "";
}

// Begins a member of a list: its name.
void append_name(std::string& list, const Decision& decision, std::size_t i) {
  const Limit& limit = *decision.limits[i];
  list.append(list.empty() ? "\"" : ", \"").append(prefix_of(decision.limits, limit));
  list.append(limit.name).append("\"");
}

// Only whole seconds may stand as `w`: a window that has none, or a fraction, leaves it out.
void append_policy(std::string& list, const Limit& limit) {
  append_number(list.append(";q="), limit.quota());
  const Duration window = limit.window();
  if (window % std::chrono::seconds(1) == Duration::zero()) {
    append_number(list.append(";w="), ceil_seconds(window));
  }
}

void append_state(std::string& list, const Balance& balance) {
  append_number(list.append(";r="), balance.remaining);
  const bool never =
      balance.retry_after == limits::kNever && balance.more_after == Duration::zero();
  if (never) return;  // a t of 0 would call for the next try at once
  append_number(list.append(";t="), ceil_seconds(balance.more_after));
}

void add_list(Response& response, std::string_view field, const std::string& list) {
  if (!list.empty()) response.add(field, list);
}

void write_tightest(const Decision& decision, Response& response) {
  const auto tightest = decision.tightest();
  if (!tightest) return;
  const Balance& balance = decision.balances[*tightest];
  const auto reset_at = ceil_seconds((decision.at + balance.reset_after).time_since_epoch());
  response.add("X-RateLimit-Limit", number_text(decision.limits[*tightest]->terms().capacity));
  response.add("X-RateLimit-Remaining", number_text(balance.remaining));
  response.add("X-RateLimit-Reset", number_text(reset_at));
}

void write_enforced(const Decision& decision, Response& response) {
  std::string policies;
  std::string states;
  for (std::string* list : {&policies, &states}) list->reserve(kUsualList);
  for (std::size_t i = 0; i < decision.balances.size(); ++i) {
    if (decision.limits[i]->mode == Mode::kShadow || !decision.limits[i]->unit.empty()) continue;
    append_name(policies, decision, i);
    append_policy(policies, *decision.limits[i]);
    append_name(states, decision, i);
    append_state(states, decision.balances[i]);
  }
  add_list(response, "RateLimit-Policy", policies);
  add_list(response, "RateLimit", states);
}

void write_shadow(const Decision& decision, Response& response) {
  std::string list;
  for (std::size_t i = 0; i < decision.balances.size(); ++i) {
    if (decision.limits[i]->mode != Mode::kShadow) continue;
    append_name(list, decision, i);
    append_policy(list, *decision.limits[i]);
    append_state(list, decision.balances[i]);
    if (decision.lacks_room(i)) list += ";denied";
  }
  add_list(response, "X-RateLimit-Shadow", list);
}

void write_retry_after(const Decision& decision, Response& response) {
  if (decision.allowed) return;
  const auto wait = decision.denied_for();
  if (!wait || *wait == limits::kNever) return;
  const auto seconds = std::max<std::int64_t>(1, ceil_seconds(*wait));
  response.add("Retry-After", number_text(seconds));
}

}  // namespace

std::string policy_name(std::span<const Limit* const> all, const Limit& limit) {
  return std::string(prefix_of(all, limit)).append(limit.name);
}

void write_ratelimit_fields(const Decision& decision, Response& response) {
  if (decision.source == limits::Source::kNginx) return;
  // What is left of the quota is of no use to who is locked out.
  if (decision.allowed || decision.barred_by != limits::BarredBy::kLockOut) {
    write_tightest(decision, response);
    write_enforced(decision, response);
  }
  write_retry_after(decision, response);
  write_shadow(decision, response);
  if (decision.id) {
    std::string id;
    append_hex(id, *decision.id);
    response.add("X-Decision-ID", id);
  }
}

}  // namespace sluice::http
