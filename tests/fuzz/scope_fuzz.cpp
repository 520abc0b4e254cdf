// Scopes: what is read has a canonical text, which reads the same.
#include <algorithm>
#include <cctype>
#include <string>

#include "fuzz/harness.h"
#include "limits/scope.h"

namespace sluice::limits {
namespace {

using fuzz::require;

bool is_canonical(char c) {
  return std::islower(static_cast<unsigned char>(c)) != 0 ||
         std::isdigit(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("+:_-").find(c) != std::string_view::npos;
}

void check(std::string_view text) {
  const auto scope = parse_scope(text);
  if (!scope) {
    require(scope.error().code == ErrorCode::kInvalidConfig, "an error is of the config", text);
    return;
  }
  require(scope->parts.size() <= kMaxScopeParts, "a scope is at most kMaxScopeParts", text);
  for (const ScopePart& part : scope->parts) {
    require(std::count(scope->parts.begin(), scope->parts.end(), part) == 1,
            "each fact stands once", text);
    require(is_named(part.fact) == !part.name.empty(), "a part lacks its name, or has one too many",
            text);
    require(scope->has(part.fact), "a scope has what it names", text);
  }
  const std::string written = scope->text();
  require(std::all_of(written.begin(), written.end(), is_canonical),
          "its text is of plain characters", written);
  const auto again = parse_scope(written);
  require(again.has_value() && *again == *scope, "a scope written again is the same", written);
  require(again->text() == written, "its text is canonical", written);
  require(written.size() == text.size(), "nothing but case is changed", text);
}

}  // namespace
}  // namespace sluice::limits

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sluice::fuzz::Exact text(sluice::fuzz::Input(data, size).rest());
  sluice::limits::check(text.view());
  return 0;
}
