#include "layers/outline.h"

#include <gtest/gtest.h>

namespace sluice::layers {

// So that a failed comparison can be read. The name is googletest's.
// NOLINTNEXTLINE(readability-identifier-naming)
static void PrintTo(const Function& function, std::ostream* out) {
  *out << function.first_line << "-" << function.last_line << " depth " << function.depth;
}
static bool operator==(const Function& a, const Function& b) {
  return a.first_line == b.first_line && a.last_line == b.last_line && a.depth == b.depth;
}

namespace {

using Functions = std::vector<Function>;

TEST(OutlineTest, SeesFreeFunctionsAndThoseInClasses) {
  EXPECT_EQ(cpp_functions(R"(namespace a {
int free(
    int a = 1) {
  return a;
}
class A final : public B {
 public:
  explicit A(int x) : x_(x), y_{1}, z_(f({2})) {}
  A& operator=(A&& other) noexcept {
    return *this;
  }
  [[nodiscard]] bool is_on() const { return on_; }
  int field = 0;

 private:
  std::vector<int> v_{1, 2};
};
}  // namespace a
)"),
            (Functions{{2, 5, 0}, {8, 8, 0}, {9, 11, 0}, {12, 12, 0}}));
}

TEST(OutlineTest, IsNotMisledByWhatOnlyLooksLikeOne) {
  EXPECT_EQ(cpp_functions(R"(constexpr std::array<int, 2> kTwo{1, 2};
const auto kMade = make({1}, Thing{2});
enum class E { kOne, kTwo };
struct S { int a = 1'000; std::string b = "{ } ("; };
template <class T = int> using U = V<T>;
// void commented() {
#define MACRO() {
)"),
            Functions{});
}

TEST(OutlineTest, CountsBlocksInsideBlocks) {
  EXPECT_EQ(cpp_functions("void f() { g(); }").at(0).depth, 0U);
  EXPECT_EQ(cpp_functions("void f() { if (a) { g(); } }").at(0).depth, 1U);
  EXPECT_EQ(cpp_functions("void f() { if (a) { g(); } else if (b) { h(); } }").at(0).depth, 1U);
  EXPECT_EQ(
      cpp_functions("void f() { for (;;) { if (a) return; while (S{1}) { g(); } } }").at(0).depth,
      2U);
  EXPECT_EQ(cpp_functions("void f() { switch (x) { case A::b: { do { g(); } while (a); } } }")
                .at(0)
                .depth,
            3U);
  EXPECT_EQ(cpp_functions("void f() { switch (x) { case 1: for (;;) { g(); } } }").at(0).depth, 2U);
  EXPECT_EQ(cpp_functions("void f() { auto x = S{1, {2}}; return {x}; }").at(0).depth, 0U);
}

TEST(OutlineTest, ALambdaIsAFunctionAndAPartOfTheOneAroundIt) {
  EXPECT_EQ(cpp_functions(R"(void f() {
  std::sort(a, b, [&](int x, int y) {
    if (x) { return y; }
    return x;
  });
  const auto g = [this]() -> bool { return true; };
  return v[1](2);
}
)"),
            (Functions{{2, 5, 1}, {6, 6, 0}, {1, 8, 1}}));
}

TEST(OutlineTest, ReadsLua) {
  EXPECT_EQ(lua_functions(R"(local a = 1
local function f(x)
  if x then -- end
    for i = 1, 2 do
      a = "end" .. i
    end
  elseif y then
    while a do a = nil end
  end
end
local g = function() repeat x() until y end
for i = 1, 2 do h() end
)"),
            (Functions{{2, 10, 2}, {11, 11, 1}, {1, 12, 2}}));
}

TEST(OutlineTest, TheLinesOfALuaFunctionAreThoseOutsideOfOnesWithinIt) {
  const Functions functions = lua_functions(R"(local function outer()
  local function inner()
    return function()
      if a then b() end
    end
  end
  return inner
end
)");
  EXPECT_EQ(functions, (Functions{{3, 5, 1}, {2, 6, 1}, {1, 8, 1}, {1, 8, 1}}));
  ASSERT_EQ(functions.size(), 4U);
  EXPECT_EQ(functions[0].lines(), 3U);
  EXPECT_EQ(functions[1].lines(), 2U);
  EXPECT_EQ(functions[2].lines(), 3U);
  EXPECT_EQ(functions[3].lines(), 0U) << "the chunk has nothing of its own";
}

}  // namespace
}  // namespace sluice::layers
