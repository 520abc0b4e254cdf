// A tenant as a file writes it, be it a config or JSON lines: what it changes in its plan, and what
// it has besides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/document/reader.h"

namespace sluice::config {

// What a key of a limit says. The order is that of FigureKind.
using Figure = std::variant<std::string, std::int64_t, std::vector<std::string>>;
enum class FigureKind { kText, kInteger, kTexts };

// Of a key that a limit of a tenant may have.
[[nodiscard]] FigureKind figure_kind(std::string_view key);

struct LimitText {
  std::string name;
  std::vector<std::pair<std::string, Figure>> figures = {};  // by key, without the name
};

struct TenantText {
  std::string id;
  std::optional<std::string> plan = std::nullopt;
  std::vector<LimitText> limits = {};
};

// The elements of a section `tenants`. REQUIRES: read_plans() has nothing to complain of in it.
[[nodiscard]] std::vector<TenantText> read_tenant_texts(const Value& list);

// The tenant as an element of the section `tenants`, in one line without its end. Whatever the
// texts hold, libconfig reads the same again; so it may be used to find what is wrong with them.
[[nodiscard]] std::string config_text(const TenantText& tenant);

}  // namespace sluice::config
