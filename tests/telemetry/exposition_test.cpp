#include "telemetry/exposition.h"

#include <gtest/gtest.h>

namespace sluice::telemetry {
namespace {

TEST(Exposition, IsTheTextFormatToTheByte) {
  Exposition page;
  page.metric("a_total", "counter", "What it is.");
  page.sample({}, 0);
  page.sample({{"x", "1"}, {"y", "two"}}, 18446744073709551615U);
  page.metric("b_seconds", "histogram", "How long.");
  page.sample({{"le", "0.1"}}, 3, "_bucket");
  page.sample_seconds(1'500'000, "_sum");
  EXPECT_EQ(page.text(),
            "# HELP a_total What it is.\n"
            "# TYPE a_total counter\n"
            "a_total 0\n"
            "a_total{x=\"1\",y=\"two\"} 18446744073709551615\n"
            "# HELP b_seconds How long.\n"
            "# TYPE b_seconds histogram\n"
            "b_seconds_bucket{le=\"0.1\"} 3\n"
            "b_seconds_sum 1.5\n");
}

TEST(Exposition, EscapesWhatWouldEndATextOrALine) {
  Exposition page;
  page.metric("a", "gauge", "a \"quote\", a \\ and a\nline");
  page.sample({{"x", "a \"quote\", a \\ and a\nline"}}, 1);
  EXPECT_EQ(page.text(),
            "# HELP a a \"quote\", a \\\\ and a\\nline\n"
            "# TYPE a gauge\n"
            "a{x=\"a \\\"quote\\\", a \\\\ and a\\nline\"} 1\n");
}

TEST(Exposition, SecondsAreExactAndShort) {
  EXPECT_EQ(seconds_text(0), "0");
  EXPECT_EQ(seconds_text(100), "0.0001");
  EXPECT_EQ(seconds_text(1'000'000), "1");
  EXPECT_EQ(seconds_text(10'000'000), "10");
  EXPECT_EQ(seconds_text(12'345'678), "12.345678");
}

}  // namespace
}  // namespace sluice::telemetry
