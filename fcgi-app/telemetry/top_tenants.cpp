#include "telemetry/top_tenants.h"

#include <algorithm>

namespace sluice::telemetry {
namespace {

constexpr std::uint64_t kAmongOthers = 1;
constexpr std::uint64_t kNamed = 2;

struct Tenant {
  std::string name;
  std::uint64_t denials = 0;
  Word* told = nullptr;
};

// Those that were denied at all, with the most denials first.
std::vector<Tenant> denied_tenants(Counters& counters) {
  std::vector<Tenant> tenants;
  for (std::size_t number = 0; number < Names::kOther; ++number) {
    std::string name = counters.tenants().text(number);
    const std::uint64_t denials = counters.sum(Counters::of_tenant(number));
    if (!name.empty() && denials > 0) {
      tenants.push_back({std::move(name), denials, &counters.told_of_tenants()[number]});
    }
  }
  std::stable_sort(tenants.begin(), tenants.end(),
                   [](const Tenant& a, const Tenant& b) { return a.denials > b.denials; });
  return tenants;
}

}  // namespace

TopTenants top_tenants(Counters& counters, std::size_t most) {
  TopTenants top;
  top.others = counters.sum(Counters::of_tenant(Names::kOther));
  std::size_t rank = 0;
  for (Tenant& tenant : denied_tenants(counters)) {
    if (++rank > most) {
      *tenant.told = kAmongOthers;
      top.others += tenant.denials;
      continue;
    }
    std::uint64_t told = *tenant.told;
    if (told <= kAmongOthers) {
      told = kNamed + (told == kAmongOthers ? tenant.denials : 0);
      *tenant.told = told;
    }
    const std::uint64_t before = std::min(told - kNamed, tenant.denials);
    top.named.emplace_back(std::move(tenant.name), tenant.denials - before);
    top.others += before;
  }
  std::sort(top.named.begin(), top.named.end());
  return top;
}

}  // namespace sluice::telemetry
