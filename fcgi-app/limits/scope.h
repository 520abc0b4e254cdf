// What a limit is counted per.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "limits/names.h"

namespace sluice::limits {

// A fact of a request, whose every value has a bucket of its own.
enum class Fact {
  kTenant,
  kSession,
  kIp,      // the client's address
  kApiKey,  // the API key that was proved
  kUser,    // the user that it stands for
  kHeader,  // the value of a header
  kFact,    // what nginx says of a gated request, in $sluice_fact_NAME
  kRoute,   // so that each route has a bucket of its own
};

inline constexpr std::array<std::pair<std::string_view, Fact>, 8> kFactNames{
    {{"tenant", Fact::kTenant},
     {"session", Fact::kSession},
     {"ip", Fact::kIp},
     {"api_key", Fact::kApiKey},
     {"user", Fact::kUser},
     {"header", Fact::kHeader},
     {"fact", Fact::kFact},
     {"route", Fact::kRoute}}};

struct ScopePart {
  Fact fact = Fact::kIp;
  std::string name;  // in lower case: of kHeader the field's, of kFact the fact's; else empty
  bool operator==(const ScopePart&) const = default;
};

// Facts counted together, each at most once, in the order written; none is global: one bucket for
// all.
struct Scope {
  std::vector<ScopePart> parts;

  Scope() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): most scopes are one fact
  Scope(Fact fact) : parts{{fact, ""}} {}

  [[nodiscard]] bool has(Fact fact) const;
  [[nodiscard]] std::string text() const;  // "session", "ip+route", "header:x-device", "global"
  bool operator==(const Scope&) const = default;
};

// The most facts of one scope.
inline constexpr std::size_t kMaxScopeParts = 4;

// Whether every part of this fact has a name: "header:x-device".
[[nodiscard]] constexpr bool is_named(Fact fact) {
  return fact == Fact::kHeader || fact == Fact::kFact;
}

// Reads "tenant", "session+route", "header:X-Device", "fact:org" or "global". The error
// (kInvalidConfig) says what is wrong with this text, without file or line.
[[nodiscard]] Result<Scope> parse_scope(std::string_view text);

}  // namespace sluice::limits
