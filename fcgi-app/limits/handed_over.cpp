#include "limits/handed_over.h"

#include <algorithm>
#include <utility>

#include "base/append.h"
#include "base/digits.h"

namespace sluice::limits {
namespace {

constexpr std::string_view kNobody = "-";  // is no id

std::string_view tenant_of(const Limit& limit) {
  return limit.tenant.empty() ? kNobody : std::string_view(limit.tenant);
}

std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

}  // namespace

std::string hand_over(std::string who, const Decision& decision) {
  std::string line = std::move(who);
  const auto tightest = decision.tightest();
  if (!tightest) return line;
  const Limit& limit = *decision.limits[*tightest];
  line.append(" ").append(tenant_of(limit)).append(" ").append(limit.name).append(" ");
  append_number(line, decision.balances[*tightest].remaining);
  return line;
}

Decision take_over(std::string_view line, std::string_view who, const LimitSet& limits) {
  if (line.substr(0, who.size()) != who) return {};
  line.remove_prefix(who.size());
  Decision decision{.source = Source::kNginx, .limits = {}, .balances = {}};
  if (line.empty()) return decision;
  if (!take_word(line).empty()) return {};  // it is about "acmes", not about "acme"
  const std::string_view tenant = take_word(line);
  const std::string_view name = take_word(line);
  const auto remaining = parse_digits(line);
  const auto limit = std::find_if(limits.begin(), limits.end(), [&](const Limit* one) {
    return one->name == name && tenant_of(*one) == tenant;
  });
  // nginx may have another config than this worker, for a moment.
  if (limit == limits.end() || !remaining || *remaining > (*limit)->terms().capacity) return {};
  decision.limits = {*limit};
  decision.balances = {{.remaining = *remaining}};
  return decision;
}

}  // namespace sluice::limits
