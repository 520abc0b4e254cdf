// The config of an nginx: its directives as a tree, those of included files in their places.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/document/report.h"

namespace sluice::nginx_config {

struct Directive {
  std::string name = {};
  std::vector<std::string> arguments = {};
  config::Place place = {};
  std::vector<Directive> block = {};  // what stands in its braces
  const Directive* parent = nullptr;  // nullptr of the root alone

  // Whether it has the argument at `index`, and that is `text`.
  [[nodiscard]] bool says(std::size_t index, std::string_view text) const {
    return index < arguments.size() && arguments[index] == text;
  }
  // As in the file, and cut where it is long: for people.
  [[nodiscard]] std::string text() const;
};

using Directives = std::vector<const Directive*>;

struct Tree {
  std::vector<std::string> files;   // a place's file is an index of these
  std::unique_ptr<Directive> root;  // without name; its block is that of nginx.conf
};

// Bounds on a dump: the depth of blocks and includes, and the statements, each as often as its file
// is included.
inline constexpr std::size_t kMaxDepth = 100;
inline constexpr std::size_t kMaxStatements = 1'000'000;

// Reads what `nginx -T` prints; lines before its first file are passed over. What stands in a `geo`
// is left out. Error: kInvalidConfig, `file:line: what is wrong`, or `name: ` for a text that is no
// dump.
[[nodiscard]] Result<Tree> read_dump(std::string_view dump, std::string_view name);

// All directives, in their order; a block's after its own.
[[nodiscard]] Directives all_of(const Directive& root);
// Those of the block itself.
[[nodiscard]] Directives own(const Directive& level, std::string_view name);
// Those that are in effect at `level`, as nginx inherits them: of the nearest block around it that
// has any. Not for directives that run one after the other, as `set` does.
[[nodiscard]] Directives in_effect(const Directive& level, std::string_view name);
// Whether the nearest one says "on".
[[nodiscard]] bool is_on(const Directive& level, std::string_view name);
// The nearest block of that name around `level`, which may be it; nullptr if there is none.
[[nodiscard]] const Directive* around(const Directive& level, std::string_view name);

}  // namespace sluice::nginx_config
