#include "policy/route_table.h"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

std::string name_of(const RouteTable& table, std::string_view method, std::string_view path) {
  const GatedRoute* const route = table.match(method, path);
  return route ? route->name : "";
}

// In the order in which a config may well say them: the widest first.
RouteTable table() {
  return RouteTable({{"all", {}, "/", true},
                     {"files", {}, "/files/", true},
                     {"put", {"PUT", "POST"}, "/files/", true},
                     {"deep", {}, "/files/deep/", true},
                     {"list", {"GET"}, "/files/", false},
                     {"any", {}, "/files/one", false},
                     {"first", {}, "/twice", false},
                     {"second", {}, "/twice", false},
                     {"unseen", {}, "", false}});
}

TEST(RouteTable, TheNearestRouteMatches) {
  const RouteTable routes = table();
  struct Row {
    std::string_view method;
    std::string_view path;
    std::string_view name;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"GET", "/", "all"},
           {"GET", "/file", "all"},
           {"GET", "/files", "all"},  // no '/' at its end: another path
           {"GET", "/Files/x", "all"},
           {"GET", "/files/", "list"},
           {"HEAD", "/files/", "list"},
           {"DELETE", "/files/", "files"},
           {"POST", "/files/", "put"},
           {"PUT", "/files/x", "put"},
           {"GET", "/files/x", "files"},
           {"get", "/files/", "files"},
           {"POST", "/files/one", "any"},  // exact, though another prefix names the method
           {"POST", "/files/deep/x", "deep"},
           {"GET", "/twice", "first"},
           {"GET", "", ""},
           {"OPTIONS", "*", ""},
       }) {
    EXPECT_EQ(name_of(routes, row.method, row.path), row.name) << row.method << " " << row.path;
  }
}

TEST(RouteTable, WithoutAPrefixForAllSomePathsMatchNothing) {
  const RouteTable routes({{"items", {"GET"}, "/items", false}});
  EXPECT_EQ(name_of(routes, "GET", "/items"), "items");
  EXPECT_EQ(name_of(routes, "POST", "/items"), "");
  EXPECT_EQ(name_of(routes, "GET", "/items/"), "");
  EXPECT_EQ(RouteTable().match("GET", "/items"), nullptr);
}

TEST(RouteTable, FindsARouteByItsName) {
  const RouteTable routes = table();
  EXPECT_EQ(routes.named("deep")->path, "/files/deep/");
  EXPECT_EQ(routes.named("unseen")->path, "");
  EXPECT_EQ(routes.named("none"), nullptr);
  EXPECT_EQ(routes.named(""), nullptr);
}

}  // namespace
}  // namespace sluice::policy
