// Where the functions of a source file begin and end, and how deep their blocks nest: enough of C++
// and Lua to hold bounds on both. It reads tokens, not types: no preprocessor, no templates.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::layers {

// A function with a body: free, a member inside its class, or a lambda.
//
// A lambda is a part of the function around it too, for that one's lines and depth. In Lua its
// lines are not: there a function around others takes the place of a class or a file.
struct Function {
  std::size_t first_line = 0;   // of its declaration, from 1
  std::size_t last_line = 0;    // of its closing brace or `end`
  std::size_t depth = 0;        // of blocks inside blocks: 0 for a straight line, 1 for one `if {}`
  std::size_t inner_lines = 0;  // of functions within it that are no part of it

  [[nodiscard]] std::size_t lines() const { return last_line - first_line + 1 - inner_lines; }
};

// Blocks count with braces alone: `if (x) return;` on one line nests nothing.
[[nodiscard]] std::vector<Function> cpp_functions(std::string_view text);
// A chunk is a function too, the last, from its first word to its last. An `elseif` is as deep as
// its `if`.
[[nodiscard]] std::vector<Function> lua_functions(std::string_view text);

}  // namespace sluice::layers
