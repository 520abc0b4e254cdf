// Characters that who edits a config cannot see.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kMark = "\xef\xbb\xbf";

class Unseen : public Load {};

struct Row {
  std::string bytes;
  std::string shown;
};

const std::vector<Row>& unseen() {
  static const std::vector<Row> rows{
      {"\x01", "U+0001"},
      {"\x08", "U+0008"},
      {"\x0b", "U+000B"},
      {"\x0c", "U+000C"},
      {"\x1b", "U+001B"},
      {"\x7f", "U+007F"},
      {"\xc2\x85", "U+0085"},
      {"\xc2\xa0", "U+00A0 NO-BREAK SPACE"},
      {"\xc2\xad", "U+00AD SOFT HYPHEN"},
      {"\xd8\x9c", "U+061C ARABIC LETTER MARK"},
      {"\xe2\x80\x83", "U+2003 EM SPACE"},
      {"\xe2\x80\x8b", "U+200B ZERO WIDTH SPACE"},
      {"\xe2\x80\x8c", "U+200C ZERO WIDTH NON-JOINER"},
      {"\xe2\x80\x8d", "U+200D ZERO WIDTH JOINER"},
      {"\xe2\x80\x8e", "U+200E LEFT-TO-RIGHT MARK"},
      {"\xe2\x80\x8f", "U+200F RIGHT-TO-LEFT MARK"},
      {"\xe2\x80\xa8", "U+2028 LINE SEPARATOR"},
      {"\xe2\x80\xa9", "U+2029 PARAGRAPH SEPARATOR"},
      {"\xe2\x80\xaf", "U+202F NARROW NO-BREAK SPACE"},
      {"\xe2\x81\xa0", "U+2060 WORD JOINER"},
      {"\xe3\x80\x80", "U+3000 IDEOGRAPHIC SPACE"},
      {"\xef\xb8\x8f", "U+FE0F"},
      {kMark, "U+FEFF ZERO WIDTH NO-BREAK SPACE"},
      {"\xf3\xa0\x81\x81", "U+E0041"},
      {"\xe4", "byte e4"},
      {"\xed\xa0\x80", "byte ed"},
  };
  return rows;
}

const std::vector<Row>& turning() {
  static const std::vector<Row> rows{
      {"\xe2\x80\xaa", "U+202A"}, {"\xe2\x80\xab", "U+202B"}, {"\xe2\x80\xac", "U+202C"},
      {"\xe2\x80\xad", "U+202D"}, {"\xe2\x80\xae", "U+202E"}, {"\xe2\x81\xa6", "U+2066"},
      {"\xe2\x81\xa7", "U+2067"}, {"\xe2\x81\xa8", "U+2068"}, {"\xe2\x81\xa9", "U+2069"},
  };
  return rows;
}

TEST_F(Unseen, AByteOrderMarkInFrontIsSkippedInEveryFile) {
  write(kMark + std::string("fastcgi = { max_connections = 7; };\n"), "included.cfg");
  const auto config =
      load_text(kMark + std::string("@include \"included.cfg\"\nlog = { level = \"error\"; };\n"));
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->deployment.server.max_connections, 7U);
  EXPECT_EQ(config->deployment.log_level, telemetry::Level::kError);
}

TEST_F(Unseen, AByteOrderMarkMovesNoLineAndNoColumn) {
  const std::string mark = kMark;
  EXPECT_EQ(error_in(mark + "loud = 1;\n"), error_in("loud = 1;\n"));
  EXPECT_EQ(error_in(mark + mark + "log = { };\n"),
            "test.cfg:1: U+FEFF ZERO WIDTH NO-BREAK SPACE in column 1 cannot be seen; remove it");
}

TEST_F(Unseen, IsNamedWhereverItCounts) {
  auto rows = unseen();
  rows.insert(rows.end(), turning().begin(), turning().end());
  for (const auto& [bytes, shown] : rows) {
    for (const std::string& line : {"log" + bytes + " = { };", "x = \"" + bytes + "\";",
                                    "log" + bytes + "= { level = \"" + bytes + "\"; };"}) {
      const std::string error = error_in("fastcgi = { };\n" + line + "\n");
      EXPECT_THAT(error, AllOf(StartsWith("test.cfg:2: " + shown), HasSubstr(" in column ")))
          << testing::PrintToString(line);
      EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    }
  }
}

TEST_F(Unseen, DoesNoHarmInACommentUnlessItTurnsTheLine) {
  for (const auto& [bytes, shown] : unseen()) {
    const auto config = load_text("# a" + bytes + "\n/* " + bytes + " */ log = { }; // " + bytes +
                                  "\xe2\x80\x9c\n");
    EXPECT_TRUE(config) << shown << config.error().detail;
  }
  for (const auto& [bytes, shown] : turning()) {
    EXPECT_THAT(error_in("log = { };\n/* " + bytes + " */\n"), StartsWith("test.cfg:2: " + shown));
    EXPECT_THAT(error_in("log = { };\n# " + bytes + "\n"), StartsWith("test.cfg:2: " + shown));
  }
}

TEST_F(Unseen, InAnIncludedFileIsSaidWithItsLine) {
  write("\nfastcgi = {\xc2\xa0 };\n", "b.cfg");
  EXPECT_EQ(error_in("log = { };\n@include \"b.cfg\"\n"),
            "b.cfg:2: U+00A0 NO-BREAK SPACE in column 12 only looks like a space; type a space in "
            "its place");
}

TEST_F(Unseen, IsSaidOnceALine) {
  EXPECT_EQ(error_in("\xc2\xa0\xc2\xa0log = { };\n\xc2\xa0\xe2\x80\x8b\n"),
            "test.cfg:1: U+00A0 NO-BREAK SPACE in column 1 only looks like a space; type a space "
            "in its place\n"
            "test.cfg:2: U+00A0 NO-BREAK SPACE in column 1 only looks like a space; type a space "
            "in its place");
}

TEST_F(Unseen, WhatOnlyLooksLikeAsciiIsNamedToo) {
  EXPECT_EQ(error_in("log = { level = \xe2\x80\x9cinfo\xe2\x80\x9d; };\n"),
            "test.cfg:1: \"\xe2\x80\x9c\" (U+201C) in column 17 does not begin a string; type \"");
  EXPECT_EQ(error_in("pl\xd0\xb0ns = ( );\n"),
            "test.cfg:1: \"\xd0\xb0\" (U+0430) in column 3 is not ASCII; only strings and "
            "comments may hold it");
}

TEST_F(Unseen, StringsMayHoldWhatCanBeSeen) {
  const auto config = load_text("sessions = { secret_file = \"Schl\xc3\xbcssel\"; };\n");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_THAT(config->deployment.secrets.file, testing::EndsWith("/Schl\xc3\xbcssel"));
}

// A string may spell any byte.
TEST_F(Unseen, IsShownByItsNumberWhereAComplaintQuotesIt) {
  EXPECT_EQ(error_in(R"(log = { level = "a\xe2\x80\xae\xc2\x85\xe4\xc3\xa4"; };)"
                     "\n"),
            "test.cfg:1: unknown level \"a\\u202e\\x85\\xe4\xc3\xa4\"; use debug, info, warning or "
            "error");
}

TEST_F(Unseen, InAStorageUriIsNamed) {
  auto options = load_options();
  for (const std::string_view text :
       {"unix:///tmp/\xff.sock", "shm:///dev/shm/\xc3", "shm:///dev/shm/\xe2\x80\x8b",
        "unix:///run/\xe2\x80\xae/redis", "redis://h\xff", "redis://:\xff@h", "\xff"}) {
    options.storage_uri = text;
    EXPECT_THAT(error_in("log = {};\n", options), StartsWith("RATE_LIMIT_STORAGE_URI: ")) << text;
  }
  for (const std::string_view text :
       {"unix:///run/\xc3\xa9/redis", "shm:///dev/shm/\xe5\x90\x8d"}) {
    options.storage_uri = text;
    EXPECT_TRUE(load_text("log = {};\n", options)) << text;
  }
}

TEST_F(Unseen, AnotherEncodingIsSaid) {
  using std::string_literals::operator""s;
  for (const std::string& text : {"\xff\xfel\0o\0g\0"s, "\xfe\xff\0l\0o\0g"s, "\xff\xfe\0\0l\0"s}) {
    EXPECT_EQ(error_in(text), "test.cfg:1: the file is UTF-16; save it as UTF-8");
  }
}

class UnseenInKeys : public Unseen {
 protected:
  // What is wrong with the file of API keys.
  [[nodiscard]] std::string error_of_keys(const std::string& text) const {
    write(text, "keys");
    return error_in(
        "api_keys = { file = \"keys\"; };\nplans = ( { id = \"p\"; limits = ( ); } );\n"
        "tenants = ( { id = \"acme\"; plan = \"p\"; } );\n");
  }
  const std::string line_ = "k1 acme alice " + std::string(64, '1') + " 2026-01-31T12:00:00Z";
};

TEST_F(UnseenInKeys, AMarkInFrontIsSkipped) {
  for (const std::string& text :
       {line_, kMark + line_, kMark + std::string("# \xe2\x80\x8b\n") + line_}) {
    EXPECT_EQ(error_of_keys(text), "no error");
  }
}

TEST_F(UnseenInKeys, LinesMayEndAsOnWindows) {
  for (const std::string& text :
       {line_ + "\r\n", kMark + line_ + "\r\n", "# keys\r\n\r\n" + line_ + "\r\n"}) {
    EXPECT_EQ(error_of_keys(text), "no error");
  }
  EXPECT_THAT(error_of_keys("k1\r" + line_), StartsWith("keys:1: "));
}

TEST_F(UnseenInKeys, IsNamed) {
  for (const auto& [bytes, shown] : unseen()) {
    std::string text = line_;
    text.insert(2, bytes);
    EXPECT_THAT(error_of_keys("\n" + text), StartsWith("keys:2: " + shown + " in column 3 "));
  }
}

}  // namespace
}  // namespace sluice::config
