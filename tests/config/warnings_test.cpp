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

TEST_F(Warnings, TellOfAUnitThatIsCountedOrCostNowhere) {
  const auto limit = [](const std::string& name, const std::string& routes,
                        const std::string& unit) {
    return "{ name = \"" + name + "\"; routes = ( " + routes + " ); scope = \"ip\";\n" + unit +
           " rate = \"9000/s\"; }";
  };
  const std::string tokens = "unit = \"tokens\";";
  const std::string chat = "\"chat\"";
  const std::string cost = "costs = ( { route = \"chat\";\nunit = \"tokens\"; cost = 5; } );\n";
  const std::string limits = "tenants = ( { id = \"a\"; plan = \"p\"; limits = (\n";
  const std::string plan = "plans = ( { id = \"p\"; limits = (\n";
  const auto never = [](int line, const std::string& unit) {
    return "test.cfg:" + std::to_string(line) + ": warning: no request costs " + unit +
           " on the routes of limit \"l\", so it never denies; add a cost with unit = \"" + unit +
           "\", or remove the unit";
  };
  const std::string free = "warning: no limit of route \"chat\" counts tokens, so they are free";
  struct Row {
    std::string text;
    std::string warning;
  };
  const std::vector<Row> rows{
      {"defaults = ( " + limit("l", chat, tokens) + " );\n" + cost, ""},
      {"defaults = ( " + limit("l", "\"*\"", tokens) + " );\n" + cost, ""},
      {"defaults = ( " + limit("l", chat + ", \"session\"", tokens) + " );\n" + cost, ""},
      {"defaults = ( " + limit("l", chat, "unit = \"requests\";") + " );\n", ""},
      {"defaults = ( " + limit("l", chat, tokens) + " );\n", never(2, "tokens")},
      {"defaults = ( " + limit("l", "\"*\"", tokens) + " );\n", never(2, "tokens")},
      {"defaults = ( " + limit("l", "\"session\"", tokens) + " );\n" + cost,
       never(2, "tokens") + "\ntest.cfg:4: " + free},
      {"defaults = ( " + limit("l", chat, "unit = \"bytes\";") + " );\n" + cost,
       never(2, "bytes") + "\ntest.cfg:4: " + free},
      {cost, "test.cfg:2: " + free},
      {plan + limit("l", chat, tokens) + " ); } );\n", never(3, "tokens")},
      {plan + limit("o", chat, "") + " ); } );\n" + limits + limit("l", chat, tokens) +
           " ); } );\n",
       never(6, "tokens")},
      {plan + limit("l", chat, tokens) + " ); } );\n" + limits +
           "{ name = \"l\"; rate = \"8000/s\"; } ); } );\n" + cost,
       ""},
  };
  for (const Row& row : rows) {
    const auto config = load_text(row.text);
    ASSERT_TRUE(config) << row.text << config.error().detail;
    EXPECT_EQ(warnings_of(*config), row.warning) << row.text;
  }
}

}  // namespace
}  // namespace sluice::config
