#include "nginx_config/scanner.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sluice::nginx_config {
namespace {

// Statements as "line:word|word;", up to the end of the text or an error.
std::string scanned(std::string_view text) {
  Scanner scanner(text);
  std::string seen;
  for (;;) {
    const auto statement = scanner.next();
    if (!statement) return seen + "error: " + statement.error().detail;
    if (statement->end == Statement::End::kFile) return seen;
    const bool is_open = statement->end == Statement::End::kOpen;
    const bool is_closed = statement->end == Statement::End::kClose;
    seen += fmt::format("{}:{}{}", statement->line, fmt::join(statement->words, "|"),
                        is_open     ? "{"
                        : is_closed ? "}"
                                    : ";");
  }
}

TEST(ScannerTest, ReadsWordsBlocksAndLines) {
  EXPECT_EQ(scanned(""), "");
  EXPECT_EQ(scanned("user root;\nhttp {\n\tserver{ listen 80 ; }\n}"),
            "1:user|root;2:http{3:server{3:listen|80;3:}4:}");
  EXPECT_EQ(scanned("a\n  b\n  c;\nd;"), "1:a|b|c;4:d;");
  EXPECT_EQ(scanned("a b;\r\nc d;\r\n"), "1:a|b;2:c|d;");
}

TEST(ScannerTest, ACommentBeginsWhereAWordCould) {
  EXPECT_EQ(scanned("# a b; {\na #c;\n b;"), "2:a|b;");
  EXPECT_EQ(scanned("a b#c;"), "1:a|b#c;");
  EXPECT_EQ(scanned("a \"#b\";# c"), "1:a|#b;");
}

TEST(ScannerTest, QuotesHoldWhatWouldEndAWord) {
  EXPECT_EQ(scanned("return 200 '{\"a\": \"b;\"}';"), "1:return|200|{\"a\": \"b;\"};");
  EXPECT_EQ(scanned("a \"\" '';"), "1:a||;");
  EXPECT_EQ(scanned("if ($a ~ \"^b{2}\") { return 1; }"), "1:if|($a|~|^b{2}|){1:return|1;1:}");
  EXPECT_EQ(scanned("a 'b\nc';d;"), "1:a|b\nc;2:d;");
  EXPECT_EQ(scanned("a b'c d';"), "1:a|b'c|d';");
}

TEST(ScannerTest, EscapesAreThoseOfNginx) {
  EXPECT_EQ(scanned(R"(a "b\"c" 'd\'e' f\;g \{ "\\" "\t" "\d";)"),
            "1:a|b\"c|d'e|f\\;g|\\{|\\|\t|\\d;");
}

TEST(ScannerTest, TheBraceOfAVariableOpensNothing) {
  EXPECT_EQ(scanned("a ${b}c$d{ e; }"), "1:a|${b}c$d{1:e;1:}");
}

TEST(ScannerTest, LuaIsPassedOver) {
  EXPECT_EQ(scanned("content_by_lua_block { if x then y{ '}' } end -- }\n --[[ } ]]\n"
                    " z = [=[ } ]] ]=] .. \"\\\"}\" }\nafter;"),
            "1:content_by_lua_block;4:after;");
  EXPECT_EQ(scanned("set_by_lua_block $a { return a[b[1]] } c;"), "1:set_by_lua_block|$a;1:c;");
}

TEST(ScannerTest, WhatNginxRefusesIsAnError) {
  for (const char* const text : {";", "{", "a; {"}) {
    EXPECT_NE(scanned(text).find("error: nothing stands before"), std::string::npos) << text;
  }
  EXPECT_EQ(scanned("a b"), "error: the file ends within a directive");
  EXPECT_EQ(scanned("a \"b;"), "error: the file ends within a quoted text");
  EXPECT_EQ(scanned("a 'b\\"), "error: the file ends within a quoted text");
  EXPECT_EQ(scanned("x_by_lua_block { {}"), "error: the file ends within a directive");
}

}  // namespace
}  // namespace sluice::nginx_config
