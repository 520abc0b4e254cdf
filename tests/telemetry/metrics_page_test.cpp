#include "telemetry/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "region_memory.h"
#include "telemetry/top_tenants.h"

namespace sluice::telemetry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

class MetricsPageTest : public testing::Test {
 protected:
  [[nodiscard]] std::string page() {
    return metrics_page(counters_, {.version = "1.2.3", .generation = 7, .tenants = 2});
  }
  void deny(std::string_view tenant, std::uint64_t count) {
    counters_.add(Counters::of_tenant(counters_.tenants().number({tenant})), count);
  }

  CounterMemory memory_;
  Counters counters_{memory_};
};

TEST_F(MetricsPageTest, BeforeAnythingIsCountedEachMetricIsThere) {
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("# HELP sluice_requests_total Requests, by route and by what became "
                              "of them.\n"
                              "# TYPE sluice_requests_total counter\n"
                              "sluice_requests_total{route=\"other\",outcome=\"allowed\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_units_total 0\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_tenant_denials_total{tenant=\"other\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_workers 1\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_config_generation 7\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_build_info{version=\"1.2.3\"} 1\n"));
}

TEST_F(MetricsPageTest, ToldIsWhatWasCounted) {
  const std::size_t chat = counters_.routes().number({"chat"});
  counters_.add(Counters::of_route(chat, Outcome::kDenied), 3);
  const std::size_t limit = counters_.limits().number({"day", " plan:free"});
  counters_.add(Counters::of_limit(limit, LimitEvent::kDenied), 4);
  counters_.add(Counters::of_limit(limit, LimitEvent::kNear), 5);
  counters_.add(Counters::of(Total::kBarred), 6);
  counters_.add(Counters::of(StoreFault::kLost), 7);
  counters_.add_duration(Timed::kStoreCall, Duration(400));
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("\nsluice_requests_total{route=\"chat\",outcome=\"denied\"} 3\n"));
  EXPECT_THAT(text,
              HasSubstr("\nsluice_limit_denials_total{limit=\"day\",list=\"plan:free\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_limit_near_total{limit=\"day\",list=\"plan:free\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_decisions_barred_total 6\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_store_faults_total{kind=\"lost\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_store_call_duration_seconds_bucket{le=\"0.0005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nsluice_store_call_duration_seconds_sum 0.0004\n"));
}

TEST_F(MetricsPageTest, BucketsOfTheHistogramAreSums) {
  for (const int took : {50, 60, 700, 2'000'000})
    counters_.add_duration(Timed::kDecision, Duration(took));
  const std::string text = page();
  const std::string name = "\nsluice_decision_duration_seconds_";
  EXPECT_THAT(text, HasSubstr(name + "bucket{le=\"0.0001\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "bucket{le=\"0.0005\"} 2\n"));
  EXPECT_THAT(text, HasSubstr(name + "bucket{le=\"0.001\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "bucket{le=\"1\"} 3\n"));
  EXPECT_THAT(text, HasSubstr(name + "bucket{le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr(name + "sum 2.00081\n"));
  EXPECT_THAT(text, HasSubstr(name + "count 4\n"));
}

TEST_F(MetricsPageTest, TenantsWithTheMostDenialsAreNamed) {
  deny("acme", 1);
  deny("globex", 3);
  deny("initech", 2);
  const TopTenants top = top_tenants(counters_, 2);
  EXPECT_THAT(top.named, ElementsAre(Pair("globex", 3), Pair("initech", 2)));
  EXPECT_EQ(top.others, 1U);
  EXPECT_THAT(page(), Not(HasSubstr("acme")));
  EXPECT_THAT(top_tenants(counters_, 0).named, IsEmpty());
}

// Prometheus takes a counter that falls for one that began again at 0.
TEST_F(MetricsPageTest, WhoComesToBeNamedTakesNothingFromTheOthers) {
  deny("acme", 10);
  deny("globex", 20);
  EXPECT_EQ(top_tenants(counters_, 1).others, 10U);
  deny("acme", 15);
  const TopTenants changed = top_tenants(counters_, 1);
  EXPECT_THAT(changed.named, ElementsAre(Pair("acme", 0)));
  EXPECT_EQ(changed.others, 45U);
  deny("acme", 1);
  deny("globex", 2);
  const TopTenants later = top_tenants(counters_, 1);
  EXPECT_THAT(later.named, ElementsAre(Pair("acme", 1)));
  EXPECT_EQ(later.others, 47U);
}

TEST_F(MetricsPageTest, WhoWasAlwaysNamedHasAllItsDenials) {
  EXPECT_THAT(top_tenants(counters_, 2).named, IsEmpty());
  deny("acme", 10);
  EXPECT_THAT(top_tenants(counters_, 2).named, ElementsAre(Pair("acme", 10)));
  deny("acme", 1);
  EXPECT_THAT(top_tenants(counters_, 2).named, ElementsAre(Pair("acme", 11)));
}

}  // namespace
}  // namespace sluice::telemetry
