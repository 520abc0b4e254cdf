#include "limits/scope.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace sluice::limits {
namespace {

constexpr std::string_view kGlobal = "global";
constexpr std::string_view kHeaderPrefix = "header:";
constexpr std::size_t kMaxHeaderLength = 64;

// The characters of a field name that survive as a CGI variable.
bool is_header_name(std::string_view name) {
  const auto belongs = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; };
  return !name.empty() && name.size() <= kMaxHeaderLength &&
         std::all_of(name.begin(), name.end(), belongs);
}

Result<ScopePart> parse_part(std::string_view text, std::string_view word) {
  if (word.starts_with(kHeaderPrefix)) {
    std::string name(word.substr(kHeaderPrefix.size()));
    if (!is_header_name(name)) {
      return refuse(text, fmt::format("\"{}\" is no header name; use letters, digits and -", name));
    }
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return ScopePart{Fact::kHeader, std::move(name)};
  }
  const auto fact = from_name<Fact>(kFactNames, word);
  if (!fact || *fact == Fact::kHeader) {
    return refuse(text, fmt::format("\"{}\" is nothing to count per; use tenant, session, ip, "
                                    "api_key, user, header:NAME or route, joined by +, or global "
                                    "alone",
                                    word));
  }
  return ScopePart{*fact, ""};
}

}  // namespace

bool Scope::has(Fact fact) const {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const ScopePart& part) { return part.fact == fact; });
}

std::string Scope::text() const {
  if (parts.empty()) return std::string(kGlobal);
  std::string text;
  for (const ScopePart& part : parts) {
    if (!text.empty()) text += '+';
    text += to_name<Fact>(kFactNames, part.fact);
    if (part.fact == Fact::kHeader) text.append(":").append(part.header);
  }
  return text;
}

Result<Scope> parse_scope(std::string_view text) {
  Scope scope;
  if (text == kGlobal) return scope;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('+', start), text.size());
    auto part = parse_part(text, text.substr(start, end - start));
    if (!part) return tl::unexpected(part.error());
    if (std::find(scope.parts.begin(), scope.parts.end(), *part) != scope.parts.end()) {
      return refuse(text, fmt::format("names {} twice", text.substr(start, end - start)));
    }
    scope.parts.push_back(std::move(*part));
    start = end + 1;
  }
  if (scope.parts.size() > kMaxScopeParts) {
    return refuse(text, fmt::format("joins more than {}", kMaxScopeParts));
  }
  return scope;
}

}  // namespace sluice::limits
