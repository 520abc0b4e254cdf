#include "telemetry/metrics_page.h"

#include <array>
#include <string_view>

#include "telemetry/exposition.h"
#include "telemetry/top_tenants.h"

namespace sluice::telemetry {
namespace {

// Calls `tell` for each name that workers have counted under, and for all others as one.
template <class Function>
void for_each_name(const Names& names, Function tell) {
  for (std::size_t number = 0; number <= Names::kOther; ++number) {
    const std::string name = names.text(number);
    if (!name.empty()) tell(number, name);
  }
}

void tell_requests(Exposition& page, Counters& counters) {
  page.metric("sluice_requests_total", "counter", "Requests, by route and by what became of them.");
  for_each_name(counters.routes(), [&](std::size_t route, const std::string& name) {
    for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
      const auto count = counters.sum(Counters::of_route(route, static_cast<Outcome>(i)));
      page.sample({{"route", name}, {"outcome", kOutcomes.at(i)}}, count);
    }
  });
}

struct Described {
  std::string_view name;
  std::string_view help;
};

// In the order of Total.
constexpr std::array<Described, kTotals.size()> kToldTotals{{
    {"sluice_decisions_on_store_error_total",
     "Decisions that on_store_error made, as no store did."},
    {"sluice_decisions_barred_total",
     "Denials of ended sessions and of callers who are locked out."},
    {"sluice_decisions_crowded_total", "Decisions about new callers who had to share a bucket."},
    {"sluice_units_total",
     "Units that were charged, once for a decision, however many limits it charged."},
    {"sluice_store_decisions_total",
     "Decisions that Redis was called for. A call may be for several."},
    {"sluice_store_scripts_sent_total",
     "Calls that had to send the script, as Redis had forgotten it."},
}};

void tell_totals(Exposition& page, const Counters& counters) {
  for (std::size_t i = 0; i < kToldTotals.size(); ++i) {
    const auto& [name, help] = kToldTotals.at(i);
    page.metric(name, "counter", help);
    page.sample({}, counters.sum(Counters::of(static_cast<Total>(i))));
  }
}

// A limit's name is "NAME LIST", see Observation.
void tell_limits(Exposition& page, Counters& counters, LimitEvent event) {
  for_each_name(counters.limits(), [&](std::size_t limit, const std::string& name) {
    const std::size_t space = name.find(' ');
    const std::string_view list = space == std::string::npos
                                      ? std::string_view(name)
                                      : std::string_view(name).substr(space + 1);
    page.sample({{"limit", std::string_view(name).substr(0, space)}, {"list", list}},
                counters.sum(Counters::of_limit(limit, event)));
  });
}

void tell_all_limits(Exposition& page, Counters& counters) {
  page.metric("sluice_limit_denials_total", "counter",
              "Denials, once for each limit that had no room.");
  tell_limits(page, counters, LimitEvent::kDenied);
  page.metric("sluice_limit_shadow_denials_total", "counter",
              "What limits in shadow mode would have denied.");
  tell_limits(page, counters, LimitEvent::kShadowDenied);
  page.metric("sluice_limit_near_total", "counter",
              "Requests that were allowed and left a fifth of the limit's quota, or less.");
  tell_limits(page, counters, LimitEvent::kNear);
}

void tell_tenants(Exposition& page, Counters& counters, std::size_t most) {
  page.metric("sluice_tenant_denials_total", "counter",
              "Denied requests of callers of a tenant. Those with the most are named.");
  const TopTenants top = top_tenants(counters, most);
  for (const auto& [tenant, denials] : top.named) page.sample({{"tenant", tenant}}, denials);
  page.sample({{"tenant", Names::kOtherName}}, top.others);
}

void tell_faults(Exposition& page, const Counters& counters) {
  page.metric("sluice_store_faults_total", "counter",
              "What went wrong with Redis, once for each connection and each reply.");
  for (std::size_t i = 0; i < kStoreFaults.size(); ++i) {
    page.sample({{"kind", kStoreFaults.at(i)}},
                counters.sum(Counters::of(static_cast<StoreFault>(i))));
  }
}

void tell_durations(Exposition& page, const Counters& counters, Timed what) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= kDurationBounds.size(); ++i) {
    count += counters.sum(Counters::of_duration(what, i));
    const bool is_bound = i < kDurationBounds.size();
    const std::string bound =
        is_bound ? seconds_text(static_cast<std::uint64_t>(kDurationBounds.at(i))) : "+Inf";
    page.sample({{"le", bound}}, count, "_bucket");
  }
  page.sample_seconds(counters.sum(Counters::of_duration_sum(what)), "_sum");
  page.sample({}, count, "_count");
}

}  // namespace

std::string metrics_page(Counters& counters, const PageOptions& options) {
  Exposition page;
  tell_requests(page, counters);
  tell_totals(page, counters);
  tell_all_limits(page, counters);
  tell_tenants(page, counters, options.tenants);
  page.metric("sluice_decision_duration_seconds", "histogram",
              "How long decisions took, with the wait for the store.");
  tell_durations(page, counters, Timed::kDecision);
  page.metric("sluice_store_call_duration_seconds", "histogram",
              "How long calls of Redis for decisions took, also those that were not answered.");
  tell_durations(page, counters, Timed::kStoreCall);
  tell_faults(page, counters);
  page.metric("sluice_workers", "gauge", "Workers of this host that count together.");
  page.sample({}, counters.workers());
  page.metric("sluice_config_generation", "gauge",
              "The reloads of the answering worker, counted from its --generation on.");
  page.sample({}, static_cast<std::uint64_t>(options.generation));
  page.metric("sluice_build_info", "gauge", "The version of the answering worker.");
  page.sample({{"version", options.version}}, 1);
  return page.text();
}

}  // namespace sluice::telemetry
