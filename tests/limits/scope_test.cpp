#include "limits/scope.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::limits {
namespace {

Scope scope_of(std::vector<ScopePart> parts) {
  Scope scope;
  scope.parts = std::move(parts);
  return scope;
}

TEST(ParseScope, ReadsFactsAndWritesThemBack) {
  struct Row {
    std::string text;
    std::vector<ScopePart> parts;
    std::string written;
  };
  const std::vector<Row> rows{
      {"tenant", {{Fact::kTenant, ""}}, "tenant"},
      {"session", {{Fact::kSession, ""}}, "session"},
      {"ip", {{Fact::kIp, ""}}, "ip"},
      {"api_key", {{Fact::kApiKey, ""}}, "api_key"},
      {"user", {{Fact::kUser, ""}}, "user"},
      {"route", {{Fact::kRoute, ""}}, "route"},
      {"global", {}, "global"},
      {"header:X-Device", {{Fact::kHeader, "x-device"}}, "header:x-device"},
      {"fact:Org_1", {{Fact::kFact, "org_1"}}, "fact:org_1"},
      {"header:a+fact:a", {{Fact::kHeader, "a"}, {Fact::kFact, "a"}}, "header:a+fact:a"},
      {"session+route", {{Fact::kSession, ""}, {Fact::kRoute, ""}}, "session+route"},
      {"route+session", {{Fact::kRoute, ""}, {Fact::kSession, ""}}, "route+session"},
      {"header:A+header:B", {{Fact::kHeader, "a"}, {Fact::kHeader, "b"}}, "header:a+header:b"},
      {"tenant+session+ip+route",
       {{Fact::kTenant, ""}, {Fact::kSession, ""}, {Fact::kIp, ""}, {Fact::kRoute, ""}},
       "tenant+session+ip+route"},
      {"header:" + std::string(64, 'X'),
       {{Fact::kHeader, std::string(64, 'x')}},
       "header:" + std::string(64, 'x')},
  };
  for (const Row& row : rows) {
    const auto scope = parse_scope(row.text);
    ASSERT_TRUE(scope) << row.text << ": " << scope.error().detail;
    EXPECT_EQ(*scope, scope_of(row.parts)) << row.text;
    EXPECT_EQ(scope->text(), row.written);
  }
}

TEST(ParseScope, SaysWhatIsWrong) {
  const std::string use =
      " is nothing to count per; use tenant, session, ip, api_key, user, header:NAME, fact:NAME or "
      "route, joined by +, or global alone";
  const std::string fact = " is no name of a fact; use letters, digits and _";
  const std::string header = " is no header name; use letters, digits and -";
  struct Row {
    std::string text;
    std::string why;
  };
  const std::vector<Row> rows{
      {"", "\"\"" + use},
      {"IP", "\"IP\"" + use},
      {"address", "\"address\"" + use},
      {"ip+", "\"\"" + use},
      {"+ip", "\"\"" + use},
      {"ip + route", "\"ip \"" + use},
      {"global+ip", "\"global\"" + use},
      {"header", "\"header\"" + use},
      {"header:", "\"\"" + header},
      {"fact", "\"fact\"" + use},
      {"fact:", "\"\"" + fact},
      {"fact:my-org", "\"my-org\"" + fact},
      {"header:x_device", "\"x_device\"" + header},
      {"header:a:b", "\"a:b\"" + header},
      {"header:" + std::string(65, 'x'), "\"" + std::string(65, 'x') + "\"" + header},
      {"ip+ip", "names ip twice"},
      {"header:a+ip+header:A", "names header:A twice"},
      {"tenant+session+ip+api_key+route", "joins more than 4"},
  };
  for (const Row& row : rows) {
    const auto scope = parse_scope(row.text);
    ASSERT_FALSE(scope) << row.text;
    EXPECT_EQ(scope.error().code, ErrorCode::kInvalidConfig);
    EXPECT_EQ(scope.error().detail, "\"" + row.text + "\": " + row.why);
  }
}

TEST(ScopeTest, KnowsItsFacts) {
  const auto scope = parse_scope("session+header:x");
  ASSERT_TRUE(scope);
  EXPECT_TRUE(scope->has(Fact::kSession));
  EXPECT_TRUE(scope->has(Fact::kHeader));
  EXPECT_FALSE(scope->has(Fact::kRoute));
  EXPECT_FALSE(Scope().has(Fact::kIp));
}

}  // namespace
}  // namespace sluice::limits
