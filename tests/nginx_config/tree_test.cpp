#include "nginx_config/tree.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sluice::nginx_config {
namespace {

std::string file(std::string_view name, std::string_view text) {
  return fmt::format("# configuration file {}:\n{}\n", name, text);
}

Tree tree_of(const std::string& dump) {
  auto tree = read_dump(dump, "dump");
  EXPECT_TRUE(tree) << tree.error().detail;
  return tree ? std::move(*tree) : Tree{{}, std::make_unique<Directive>()};
}

std::string error_of(const std::string& dump) {
  const auto tree = read_dump(dump, "dump");
  return tree ? "" : tree.error().detail;
}

// "name@file:line" of each, in order.
std::string shown(const Tree& tree) {
  std::string text;
  for (const Directive* one : all_of(*tree.root)) {
    text += fmt::format("{}@{}:{} ", one->text(), tree.files[one->place.file], one->place.line);
  }
  return text;
}

const Directive& find(const Tree& tree, std::string_view text) {
  for (const Directive* one : all_of(*tree.root)) {
    if (one->text() == text) return *one;
  }
  ADD_FAILURE() << "no " << text;
  return *tree.root;
}

TEST(DumpTest, IncludedFilesStandInTheirPlaces) {
  EXPECT_EQ(
      shown(tree_of("nginx: the configuration file /e/n.conf syntax is ok\n" +
                    file("/e/n.conf", "a;\nhttp {\n  include c/*.conf;\n  include /x/y;\n}") +
                    file("/e/c/2.conf", "two;") + file("/e/c/1.conf", "\none {\ninside; }") +
                    file("/x/y", "y;") + file("/e/c/.hidden.conf", "hidden;"))),
      "a@/e/n.conf:1 http@/e/n.conf:2 one@/e/c/1.conf:2 inside@/e/c/1.conf:3 two@/e/c/2.conf:1 "
      "y@/x/y:1 ");
}

TEST(DumpTest, AFileMayBeIncludedTwiceAndAPatternMayMatchNothing) {
  EXPECT_EQ(
      shown(tree_of(file("/n", "a { include b; } include b; include c*;") + file("/b", "x;"))),
      "a@/n:1 x@/b:1 x@/b:1 ");
}

TEST(DumpTest, OfTwoFilesOfOneNameTheFirstCounts) {
  const Tree tree = tree_of(file("/n", "a;") + file("/n", "b;") + file("/c", "c;"));
  EXPECT_EQ(tree.files, (std::vector<std::string>{"/n", "/c"}));
  EXPECT_EQ(shown(tree), "a@/n:1 ");
}

TEST(DumpTest, AGeoIsLeftOut) {
  EXPECT_EQ(shown(tree_of(file("/n", "geo $a { ranges; include geo.bin; 10.0.0.0/8 x; } b;"))),
            "geo $a@/n:1 b@/n:1 ");
}

TEST(DumpTest, AnErrorSaysWhere) {
  EXPECT_EQ(error_of("user root;"),
            "dump: no line is \"# configuration file PATH:\"; give what nginx -T prints");
  EXPECT_EQ(error_of(file("/n", "a;\nb;\n}")), "/n:3: closes a block that it has not opened");
  EXPECT_EQ(error_of(file("/n", "a;\nb {\nc;\n")), "/n:2: no brace closes this block");
  EXPECT_EQ(error_of(file("/e/n", "include x;") + file("/x", "a;")),
            "/e/n:1: includes /e/x, which is not in what nginx -T printed");
  EXPECT_EQ(error_of(file("/n", "include x;") + file("/x", "a;\n'b")),
            "/x:3: the file ends within a quoted text");
  EXPECT_EQ(error_of(file("/n", "include /n;")),
            "/n:1: the config is too large, or includes itself");
}

TEST(TreeTest, TheNearestBlockThatHasOneCounts) {
  const Tree tree = tree_of(file("/n",
                                 "http { h 1; h 2; k on; server { s 1; location / { h 3;"
                                 " if ($x) { return 1; } } location /b { k off; } } }"));
  const auto said = [&](std::string_view level, std::string_view name) {
    std::string text;
    for (const Directive* one : in_effect(find(tree, level), name)) text += one->text() + " ";
    return text;
  };
  EXPECT_EQ(said("server", "h"), "h 1 h 2 ");
  EXPECT_EQ(said("location /", "h"), "h 3 ");
  EXPECT_EQ(said("if ($x)", "h"), "h 3 ");
  EXPECT_EQ(said("location /b", "s"), "s 1 ");
  EXPECT_EQ(said("location /b", "none"), "");
  EXPECT_TRUE(is_on(find(tree, "location /"), "k"));
  EXPECT_FALSE(is_on(find(tree, "location /b"), "k"));
  EXPECT_EQ(around(find(tree, "return 1"), "location")->text(), "location /");
  EXPECT_EQ(around(find(tree, "h 1"), "server"), nullptr);
}

TEST(TreeTest, ALongDirectiveIsShownCut) {
  const Tree tree = tree_of(file("/n", "a " + std::string(100, 'b') + ";"));
  EXPECT_EQ(tree.root->block.front().text(), "a " + std::string(58, 'b') + "...");
}

}  // namespace
}  // namespace sluice::nginx_config
