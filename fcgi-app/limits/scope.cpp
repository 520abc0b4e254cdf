#include "limits/scope.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace sluice::limits {
namespace {

constexpr std::string_view kGlobal = "global";
constexpr std::size_t kMaxNameLength = 64;

constexpr std::string_view kHeaderPrefix = "header:";
constexpr std::string_view kFactPrefix = "fact:";

// The name of a field may have what survives as a CGI variable, that of a fact what a variable of
// nginx may have: besides letters and digits one character each.
Result<ScopePart> parse_named(std::string_view text, Fact fact, std::string_view named) {
  const bool is_header = fact == Fact::kHeader;
  const char besides = is_header ? '-' : '_';
  const auto belongs = [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == besides;
  };
  std::string name(named);
  if (name.empty() || name.size() > kMaxNameLength ||
      !std::all_of(name.begin(), name.end(), belongs)) {
    return refuse(text, fmt::format("\"{}\" is no {}; use letters, digits and {}", name,
                                    is_header ? "header name" : "name of a fact", besides));
  }
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ScopePart{fact, std::move(name)};
}

Result<ScopePart> parse_part(std::string_view text, std::string_view word) {
  if (word.starts_with(kHeaderPrefix)) {
    return parse_named(text, Fact::kHeader, word.substr(kHeaderPrefix.size()));
  }
  if (word.starts_with(kFactPrefix)) {
    return parse_named(text, Fact::kFact, word.substr(kFactPrefix.size()));
  }
  const auto fact = from_name<Fact>(kFactNames, word);
  if (!fact || is_named(*fact)) {
    return refuse(text, fmt::format("\"{}\" is nothing to count per; use tenant, session, ip, "
                                    "api_key, user, header:NAME, fact:NAME or route, joined by +, "
                                    "or global alone",
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
    if (is_named(part.fact)) text.append(":").append(part.name);
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
