// Files that a config includes: where what they say counts, and where it is complained of.
#include <string>

#include <gtest/gtest.h>

#include "config/document/source.h"
#include "config/load_fixture.h"

namespace sluice::config {
namespace {

class Includes : public Load {};

TEST_F(Includes, MayStandTwiceAndInsideAList) {
  write("{ name = \"chat\"; routes = ( \"chat\" ); scope = \"ip\"; rate = \"1/s\"; }", "limit.cfg");
  const auto config = load_text(R"(
plans = ( { id = "p"; limits = (
  @include "limit.cfg" // the end of its line counts too
  ); }, { id = "q"; limits = (
  @include "limit.cfg" ); } );
tenants = ( { id = "acme"; plan = "p"; }, { id = "globex"; plan = "q"; } );
)");
  ASSERT_TRUE(config) << config.error().detail;
  for (const char* tenant : {"acme", "globex"}) {
    EXPECT_EQ(only_limit(*config, tenant).limit.text(), "1 per 1 second");
  }
}

TEST_F(Includes, KeepsTheLinesOfAllFiles) {
  write("loud = 1;\n\nfastcgi = {\n  loud = 2; }", "b.cfg");
  write("\n@include \"b.cfg\" lug = 3;\nlig = 4;", "a.cfg");
  EXPECT_EQ(error_in("log = { };\n  @include \"a.cfg\"\n\nlag = 5;\n"),
            "test.cfg:4: unknown key \"lag\"; did you mean \"log\"?\n"
            "a.cfg:2: unknown key \"lug\"; did you mean \"log\"?\n"
            "a.cfg:3: unknown key \"lig\"; did you mean \"log\"?\n"
            "b.cfg:1: unknown key \"loud\"; did you mean \"log\"?\n"
            "b.cfg:4: unknown key \"loud\"; use max_body_bytes, max_params_bytes, "
            "max_connections or stall_timeout_ms");
  write("log = {\n level = ; };\n", "b.cfg");
  EXPECT_EQ(error_in("\n@include \"b.cfg\"\nfastcgi = 1;\n"),
            "b.cfg:2: syntax error, here or just before");
  write("log = { level = \"info\"; };\n", "b.cfg");
  EXPECT_EQ(error_in("\n@include \"b.cfg\"\nfastcgi = ;\n"),
            "test.cfg:3: syntax error, here or just before");
}

TEST_F(Includes, StandsAloneOnItsLine) {
  write("log = { };\n", "a.cfg");
  write("fastcgi = { };\n", "b.cfg");
  EXPECT_EQ(error_in("\n@include \"a.cfg\" @include \"b.cfg\"\n"),
            "test.cfg:2: a line may have only one @include");
  EXPECT_EQ(error_in("@include\"a.cfg\"\n"), "test.cfg:1: syntax error, here or just before");
}

TEST_F(Includes, OfTheSameFileOverAndOverHasAnEnd) {
  write("# " + std::string(kMaxFileBytes / 2, 'x') + "\n", "big.cfg");
  std::string text = "log = { };\n";
  for (int i = 0; i < 40; ++i) text += "@include \"big.cfg\"\n";
  EXPECT_EQ(error_in(text).substr(0, 69),
            "test.cfg:34: big.cfg makes the config larger than 16777216 bytes\ntest");
}

}  // namespace
}  // namespace sluice::config
