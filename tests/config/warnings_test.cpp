// What a config may mean so, and `sluice check` shows all the same.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

class Warnings : public Load {
 protected:
  // Of a cost of the route "chat", in line 3, beside limits with room for 20 (tenants acme and
  // globex), 9 (globex alone) and, on the route "session", 5.
  [[nodiscard]] std::string of_cost(const std::string& cost) const {
    const auto config = load_text(
        "plans = ( { id = \"p\"; limits = ( { name = \"chat\"; routes = ( \"chat\" ); scope = "
        "\"session\"; rate = \"20/s\"; }, { name = \"other\"; routes = ( \"session\" ); scope = "
        "\"session\"; rate = \"5/s\"; }, { name = \"shut\"; routes = ( \"chat\" ); scope = "
        "\"session\"; rate = \"0/s\"; }, { name = \"trial\"; routes = ( \"chat\" ); scope = "
        "\"session\"; rate = \"1/s\"; mode = \"shadow\"; } ); } );\ntenants = ( { id = \"acme\"; "
        "plan = \"p\"; }, { id = \"globex\"; plan = \"p\"; limits = ( { name = \"chat\"; rate = "
        "\"9/s\"; } ); } );\ncosts = ( { " +
        cost + " } );\n");
    EXPECT_TRUE(config) << config.error().detail;
    return config ? warnings_of(*config) : "";
  }

  // Without the folder.
  [[nodiscard]] std::string warnings_of(const Loaded& config) const {
    return error_of(fail(ErrorCode::kInvalidConfig, config.warnings), folder_);
  }
};

TEST_F(Warnings, TellOfACostWhoseMaxNeverPasses) {
  const std::string end =
      " on route \"chat\" can never pass: limit \"chat\" of tenant \"globex\" has room "
      "for 9; a request that names so much is always denied";
  const std::string start = "test.cfg:3: warning: \"max\" of ";
  struct Row {
    std::string cost;
    std::string warning;
  };
  const std::vector<Row> rows{
      {"route = \"chat\"; from = \"body:n\"; max = 9;", ""},
      {"route = \"chat\"; from = \"header:X-Cost\"; min = 2; cost = 2; max = 9;", ""},
      {"route = \"chat\"; from = \"body:n\"; max = 10;", start + "10" + end},
      {"route = \"chat\"; from = \"header:X-Cost\"; max = 10;", start + "10" + end},
      {"route = \"chat\"; from = \"body:n\";",
       start + "1000 (the default) on route \"chat\" can never pass: limit \"chat\" of "
               "tenant \"acme\" has room for 20; a request that names so much is always denied"},
      {"route = \"chat\"; cost = 9;", ""},
      {"route = \"status\"; from = \"body:n\"; max = 1000000;", ""},  // which nothing limits
  };
  for (const Row& row : rows) EXPECT_EQ(of_cost(row.cost), row.warning) << row.cost;
}

TEST_F(Warnings, NameTheLineOfMaxAndNeedNoComplaintBeside) {
  const std::string limits =
      "defaults = ( { name = \"chat\"; routes = ( \"*\" ); scope = \"ip\"; rate = \"7/s\"; } );\n";
  const auto config = load_text(limits +
                                "costs = (\n{ route = \"chat\";\nfrom = \"body:n\";\nmax = 8; },\n"
                                "{ route = \"session\"; from = \"body:n\"; max = 99; } );\n");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(warnings_of(*config),
            "test.cfg:5: warning: \"max\" of 8 on route \"chat\" can never pass: limit "
            "\"chat\" of defaults has room for 7; a request that names so much is always denied\n"
            "test.cfg:6: warning: \"max\" of 99 on route \"session\" can never pass: limit "
            "\"chat\" of defaults has room for 7; a request that names so much is always denied");
}

}  // namespace
}  // namespace sluice::config
