#include "commands/tenants.h"

#include <fstream>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/sections/limit_entry.h"
#include "temporary_directory.h"

namespace sluice::commands {
namespace {

using testing::HasSubstr;

// Plans of all kinds, without tenants.
const std::string kPlans = R"(
storage = { uri = "memory://"; };
api_keys = { file = "none.keys"; };
routes = ( { name = "items"; match = "GET /items"; } );
default_plan = "chat";
plans = (
  { id = "chat"; limits = (
    { name = "chat"; routes = ( "chat" ); scope = "session"; rate = "5 per 10 seconds"; },
    { name = "all"; routes = ( "*" ); scope = "global"; rate = "900/second"; } ); },
  { id = "pace"; limits = ( { name = "pace"; routes = ( "chat" ); scope = "tenant";
    algorithm = "token_bucket"; rate = "200/second"; burst = 8000; } ); }
);
)";

// Every key of a limit, and every way to write one.
const std::string kTenants = R"(tenants = (
  { id = "acme"; limits = ( { name = "chat"; rate = "8/10s"; } ); },
  { id = "both"; plan = "chat"; limits = ( ); },
  { id = "zeta"; plan = "chat"; },
  { id = "two"; plan = "chat"; limits = ( { name = "chat"; rate = "8/10 seconds, 30/minute"; } ); },
  { id = "still"; plan = "chat"; limits = ( { name = "chat"; }, { name = "all"; mode = "shadow"; } ); },
  { id = "wide"; plan = "pace"; limits = (
    { name = "pace"; burst = 1000000000; on_change = "reset"; },
    { name = "own"; routes = [ "items", "chat" ]; scope = "ip+header:X-Device"; rate = "0/400ms";
      mode = "shadow"; on_store_error = "allow"; algorithm = "sliding_log"; unit = "tokens"; } ); },
  { id = "real"; plan = "pace"; limits = (
    { name = "pace"; algorithm = "fixed_window"; align = "calendar"; time_zone = "Europe/Berlin";
      rate = "1/month"; on_change = "proportional"; },
    { name = "b_per_minute"; routes = ( "*" ); scope = "user"; rate = "7/y"; },
    { name = "b"; routes = ( "*" ); scope = "api_key"; rate = "7/2d"; } ); },
  { id = "same"; plan = "chat"; limits = (
    { name = "c_per_minute"; routes = ( "*" ); scope = "user"; rate = "7/y"; mode = "enforce"; },
    { name = "chat"; rate = "60/minute"; } ); }
);
)";

class TenantCommandsTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    std::string path = directory_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  // What is wrong with the lines; of those that are well, the section.
  [[nodiscard]] static std::string said(const std::string& lines, const std::string& config = "") {
    const auto section = import_tenants(lines, "t.jsonl", config);
    if (!section) {
      EXPECT_EQ(section.error().code, ErrorCode::kInvalidConfig);
      return section.error().detail;
    }
    constexpr std::string_view kHead = "# Tenants; made by sluice import.\n";
    EXPECT_TRUE(section->starts_with(kHead));
    return section->substr(kHead.size());
  }

  const TemporaryDirectory directory_;
};

// All that a limit says, so that two are the same if their texts are.
std::string text_of(const limits::PlanLimit& at) {
  const limits::Limit& limit = at.limit;
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} [{}]", limit.name, limit.tenant,
                     limit.plan, limit.scope.text(), limit.rate.quota, limit.rate.window.text(),
                     limit.burst, static_cast<int>(limit.algorithm),
                     static_cast<int>(limit.alignment), limit.time_zone,
                     static_cast<int>(limit.on_change), static_cast<int>(limit.mode),
                     static_cast<int>(limit.on_store_error), fmt::join(at.routes, " "));
}

std::map<std::string, std::vector<std::string>> limits_in(const std::string& config) {
  std::map<std::string, std::vector<std::string>> shown;
  const auto loaded = load_config(config);
  EXPECT_TRUE(loaded) << loaded.error().detail;
  if (!loaded) return shown;
  for (const auto& [tenant, list] : loaded->policy.plans->tenants()) {
    for (const auto& limit : list) shown[tenant].push_back(text_of(limit));
  }
  return shown;
}

TEST_F(TenantCommandsTest, ExportSaysWhatEachTenantChangesInItsPlanAndHasBesides) {
  const auto lines = export_tenants(write("a.cfg", kPlans + kTenants));
  ASSERT_TRUE(lines) << lines.error().detail;
  EXPECT_EQ(*lines,
            R"({"id":"acme","limits":{"chat_per_10s":8}}
{"id":"both","plan":"chat"}
{"id":"zeta","plan":"chat"}
{"id":"two","plan":"chat","limits":{"chat_per_10s":8,"chat_per_minute":30}}
{"id":"still","plan":"chat","limits":{"chat":{},"all":{"mode":"shadow"}}}
{"id":"wide","plan":"pace","limits":{"pace":{"burst":1000000000,"on_change":"reset"},"own":)"
            R"({"routes":["items","chat"],"scope":"ip+header:X-Device","rate":"0/400ms",)"
            R"("mode":"shadow","on_store_error":"allow","algorithm":"sliding_log","unit":"tokens"}}}
{"id":"real","plan":"pace","limits":{"pace":{"algorithm":"fixed_window","align":"calendar",)"
            R"("time_zone":"Europe/Berlin","rate":"1/month","on_change":"proportional"},)"
            R"("b_per_minute":{"routes":["*"],"scope":"user","rate":"7/y"},)"
            R"("b":{"routes":["*"],"scope":"api_key","rate":"7/2d"}}}
{"id":"same","plan":"chat","limits":{"c_per_minute":{"routes":["*"],"scope":"user","rate":"7/y",)"
            R"("mode":"enforce"},"chat_per_minute":60}}
)");
}

TEST_F(TenantCommandsTest, WhatIsExportedAndImportedDecidesTheSame) {
  const std::string config = write("a.cfg", kPlans + kTenants);
  const auto lines = export_tenants(config);
  ASSERT_TRUE(lines) << lines.error().detail;
  const auto section = import_tenants(*lines, "t.jsonl", config);
  ASSERT_TRUE(section) << section.error().detail;
  const std::string again = write("b.cfg", kPlans + "@include \"list.cfg\"\n");
  write("list.cfg", *section);
  EXPECT_EQ(limits_in(again), limits_in(config));
  EXPECT_EQ(limits_in(config).size(), 8U);
  EXPECT_EQ(*import_tenants(*lines, "t.jsonl", ""), *section);
  EXPECT_EQ(*export_tenants(again), *lines);
}

// So that no key is forgotten when a limit gets one more.
TEST_F(TenantCommandsTest, TheseTestsHaveEveryKeyOfALimit) {
  for (const auto& key : config::tenant_keys()) {
    EXPECT_THAT(kTenants, HasSubstr(std::string(key.name) + " = "));
  }
}

TEST_F(TenantCommandsTest, TheShippedConfigComesBack) {
  const std::string shipped = SLUICE_SOURCE_DIR "/conf/sluice.cfg";
  const auto lines = export_tenants(shipped);
  ASSERT_TRUE(lines) << lines.error().detail;
  EXPECT_THAT(*lines,
              HasSubstr("{\"id\":\"acme\",\"plan\":\"chat\",\"limits\":{\"chat_per_10s\":8}}\n"));
  const auto section = import_tenants(*lines, "t.jsonl", shipped);
  ASSERT_TRUE(section) << section.error().detail;
  std::ifstream file(SLUICE_SOURCE_DIR "/conf/tenants.cfg");
  std::string text(std::istreambuf_iterator<char>(file), {});
  const std::string again =
      write("b.cfg", text.substr(0, text.find("\ntenants = (") + 1) + *section);
  EXPECT_EQ(limits_in(again), limits_in(shipped));
}

TEST_F(TenantCommandsTest, LinesOfOtherProgramsAreTakenAsTheyAre) {
  EXPECT_EQ(said("\xef\xbb\xbf{\"id\": \"acme\", \"limits\": {\"chat_per_10s\": 8}}\r\n\n \t\n"
                 "{\"plan\":null, \"limits\":{}, \"id\":\"glo\\u0062ex\"}"),
            R"(tenants = (
  { id = "acme"; limits = ( { name = "chat"; rate = "8 per 10 seconds"; } ); },
  { id = "globex"; }
);
)");
}

TEST_F(TenantCommandsTest, ALineThatIsWrongIsSaidSo) {
  const std::map<std::string, std::string> cases{
      {"{\"id\":\"a\"", "is no JSON, at byte 10: the text ends too early"},
      {"[\"a\"]", "must be an object, as in {\"id\":\"acme\",\"plan\":\"chat\"}"},
      {R"({"plan":"p"})", "missing member \"id\""},
      {R"({"id":7})", "\"id\" must be a string"},
      {R"({"id":"Acme"})",
       "invalid tenant name \"Acme\"; use up to 64 of a-z, 0-9, _ and -, a letter or digit first"},
      {R"({"id":"a\n\"b\\"})",
       "invalid tenant name \"a\\x0a\"b\\\"; use up to 64 of a-z, 0-9, _ and -, a letter or digit "
       "first"},
      {R"({"id":"a","id":"b"})", "has member \"id\" twice; remove one"},
      {R"({"id":"a","plam":"b"})", "unknown member \"plam\"; did you mean \"plan\"?"},
      {R"({"id":"a","plan":"P"})",
       "invalid plan name \"P\"; use up to 64 of a-z, 0-9, _ and -, a letter or digit first"},
      {R"({"id":"a","limits":[]})", "\"limits\" must be an object"},
      {R"({"id":"a","limits":{"chat":8}})",
       "\"chat\" has a quota and no window; use \"chat_per_10s\" or the like"},
      {R"({"id":"a","limits":{"chat_per_10x":8}})",
       "\"chat_per_10x\": rate \"8/10x\": unknown unit \"x\"; use ms, second, minute, hour, day, "
       "week, month or year"},
      {R"({"id":"a","limits":{"chat_per_s":2000000000}})",
       "\"chat_per_s\": rate \"2000000000/s\": quota is above 1000000000"},
      {R"({"id":"a","limits":{"chat_per_s":"8"}})",
       "\"chat_per_s\" must be a quota, as in \"chat_per_10s\":8, or an object"},
      {R"({"id":"a","limits":{"chat_per_s":99999999999999999999}})",
       "\"chat_per_s\" must be an integer, not a number beyond 64 bits"},
      {R"({"id":"a","limits":{"_per_s":8}})",
       "invalid limit name \"\"; use up to 64 of a-z, 0-9, _ and -, a letter or digit first"},
      {R"({"id":"a","limits":{"Chat_per_s":8}})",
       "invalid limit name \"Chat_per_s\"; use up to 64 of a-z, 0-9, _ and -, a letter or digit "
       "first"},
      {R"({"id":"a","limits":{"c_per_s":8,"c_per_1000ms":9}})",
       "rate \"8 per 1 second; 9 per 1000 milliseconds\": two rates per 1000 milliseconds; keep "
       "the "
       "lower one"},
      {R"({"id":"a","limits":{"c_per_s":8,"c":{}}})",
       "limit \"c\" stands twice, as an object and with a quota; put \"rate\" into the object"},
      {R"({"id":"a","limits":{"c":{},"c_per_s":8}})",
       "limit \"c\" stands twice, as an object and with a quota; put \"rate\" into the object"},
      {R"({"id":"a","limits":{"c":{"rat":"8/s"}}})",
       "unknown member \"rat\" of limit \"c\"; did you mean \"rate\"?"},
      {R"({"id":"a","limits":{"c":{"rate":8}}})", "\"rate\" must be a string"},
      {R"({"id":"a","limits":{"c":{"rate":"8/x"}}})",
       "rate \"8/x\": unknown unit \"x\"; use ms, second, minute, hour, day, week, month or year"},
      {R"({"id":"a","limits":{"c":{"burst":"8"}}})", "\"burst\" must be an integer"},
      {R"({"id":"a","limits":{"c":{"burst":5000000000}}})",
       "\"burst\" must be from 1 to 1000000000, not 5000000000"},
      {R"({"id":"a","limits":{"c":{"routes":"*"}}})", "\"routes\" must be an array of strings"},
      {R"({"id":"a","limits":{"c":{"routes":["/x"]}}})",
       "invalid route name \"/x\"; use up to 64 of a-z, 0-9, _ and -, a letter or digit first"},
      {R"({"id":"a","limits":{"c":{"mode":"off"}}})",
       "unknown mode \"off\"; use enforce or shadow"},
      {"{\"id\":\"a\xe2\x80\x8b\"}",
       "U+200B ZERO WIDTH SPACE in column 9 cannot be seen; remove it"},
  };
  for (const auto& [line, what] : cases) EXPECT_EQ(said(line), "t.jsonl:1: " + what) << line;
}

TEST_F(TenantCommandsTest, AllMistakesAreToldAtOnceInTheOrderOfTheLines) {
  const std::string config = write("a.cfg", kPlans);
  const std::string lines =
      "{\"id\":\"acme\",\"plan\":\"chta\"}\n"
      "\n"
      "{\"id\":\"beta\",\"x\":1,\"y\":2}\n"
      "{\"id\":\"acme\",\"plan\":\"chat\",\"limits\":{\"chatt_per_s\":8,\"all_per_s\":9}}\n"
      "nothing\n"
      "{\"id\":\"gamma\",\"plan\":\"pace\",\"limits\":{\"pace\":{\"algorithm\":\"sliding_log\","
      "\"rate\":\"20000/s\"}}}\n"
      "{\"id\":\"own\",\"limits\":{\"o\":{\"rate\":\"8/"
      "s\",\"routes\":[\"itms\"],\"scope\":\"ip\"}}}";
  EXPECT_EQ(said(lines, config),
            R"(t.jsonl:1: no plan is named "chta"; did you mean "chat"?
t.jsonl:3: unknown member "x"; use id, plan or limits
t.jsonl:3: unknown member "y"; use id, plan or limits
t.jsonl:4: duplicate tenant "acme"; the first is at t.jsonl:1
t.jsonl:4: the tenant's plan has no limit "chatt"; a limit of the tenant's own needs "routes" and "scope" too; did you mean "chat"?
t.jsonl:4: limit "all" is one bucket for all tenants of its plan; a tenant may change only its mode and on_store_error
t.jsonl:5: is no JSON, at byte 2: an unexpected character
t.jsonl:6: sliding_log stores every unit, at most 10000; use sliding_window
t.jsonl:7: unknown route "itms"; use session, chat or items)");
}

TEST_F(TenantCommandsTest, TheLinesTakeThePlaceOfTheConfigsTenants) {
  const std::string acme = "{\"id\":\"acme\",\"plan\":\"chat\"}";
  const std::string config =
      write("a.cfg", kPlans +
                         "tenants = ( { id = \"old\"; plan = \"none\"; } );\n"
                         "access = { exempt = ( \"tenant:acme\" ); };\n");
  EXPECT_EQ(said(acme, config), "tenants = (\n  { id = \"acme\"; plan = \"chat\"; }\n);\n");
  EXPECT_THAT(said("{\"id\":\"old\",\"plan\":\"chat\"}", config),
              HasSubstr("a.cfg:14: no tenant is named \"acme\""));
  // Without a config plans and routes are not looked up.
  EXPECT_THAT(said("{\"id\":\"a\",\"plan\":\"none\",\"limits\":{\"o\":{\"routes\":[\"x\"]}}}"),
              HasSubstr("plan = \"none\"; limits = ( { name = \"o\"; routes = ( \"x\" ); } ); }"));
}

TEST_F(TenantCommandsTest, NothingIsMadeOfNothingNorOfTooMuch) {
  EXPECT_EQ(said("\n \n"),
            "t.jsonl: has no tenants; write one a line, as {\"id\":\"acme\",\"plan\":\"chat\"}");
  std::string many;
  for (int i = 0; i < 40'000; ++i) many += fmt::format("{{\"id\":\"t{}\",\"plan\":\"chat\"}}\n", i);
  EXPECT_THAT(said(many),
              testing::MatchesRegex("t.jsonl: makes [0-9]+ bytes, and a file of a config "
                                    "may have 1048576; take some out"));
}

}  // namespace
}  // namespace sluice::commands
