// Typed access to the settings of a parsed file.
//
// What does not fit goes to the report, and reads as nothing. So reading goes on, and all mistakes
// come out at once. Whatever a file says, nothing here throws.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/document/report.h"
#include "config/document/source.h"
#include "limits/limit.h"

namespace libconfig {
class Setting;
}

namespace sluice::config {

using Words = std::span<const std::string_view>;

// "a, b or c"
[[nodiscard]] std::string alternatives(Words words);
// `; did you mean "…"?` for the nearest of `known`, if that is at most two edits away; else a list
// of them all.
[[nodiscard]] std::string hint(std::string_view word, Words known);

// A setting, the text that it stands in, and the report to complain in. All three outlive it. Cheap
// to copy.
class Value {
 public:
  Value(const libconfig::Setting& setting, const Source& source, Report& report)
      : setting_(&setting), source_(&source), report_(&report) {}

  // An integer, written as an int or as an int64 (10L). Nothing else reads integers.
  [[nodiscard]] std::optional<std::int64_t> integer(std::int64_t low, std::int64_t high) const;
  [[nodiscard]] std::optional<std::string> text() const;
  // The word of a closed set, such as a scope.
  template <class Enum>
  [[nodiscard]] std::optional<Enum> word(limits::NameTable<Enum> names) const;
  // The elements of a list or an array, and the members of a group, in the order of the file.
  // Nothing (after a complaint) if it is something else.
  [[nodiscard]] std::optional<std::vector<Value>> elements() const;
  [[nodiscard]] std::optional<std::vector<Value>> members() const;

  [[nodiscard]] std::string_view name() const;  // empty in a list
  [[nodiscard]] Place place() const;
  [[nodiscard]] Report& report() const { return *report_; }
  void complain(std::string message) const { report_->complain(place(), std::move(message)); }
  void warn(std::string message) const { report_->warn(place(), std::move(message)); }
  void complain_unknown_word(std::string_view word, Words known) const;
  void complain_unknown_key(Words known) const;

 private:
  [[nodiscard]] std::string label() const;
  void complain_type(std::string_view expected) const;
  [[nodiscard]] std::vector<Value> children() const;

  const libconfig::Setting* setting_;
  const Source* source_;
  Report* report_;
};

// A key that a group may hold, and the function that reads its value.
template <class Target>
struct Key {
  std::string_view name;
  void (*read)(const Value& value, Target& target);
  bool required = false;
};

template <class Target>
using Keys = std::span<const Key<Target>>;

// Adds the keys that `section` may hold, as in "costs.route".
template <class Target>
void append_keys(std::vector<std::string>& names, std::string_view section, Keys<Target> keys) {
  for (const Key<Target>& key : keys) {
    names.push_back(std::string(section) + "." + std::string(key.name));
  }
}

// Reads `group` into `target`. Complains of keys that are not in the table, and of required keys
// that are missing.
template <class Target>
void read_group(const Value& group, std::type_identity_t<Keys<Target>> keys, Target& target) {
  const auto members = group.members();
  if (!members) return;
  std::vector<std::string_view> known;
  for (const Key<Target>& key : keys) known.push_back(key.name);
  for (const Value& member : *members) {
    const auto key = std::find(known.begin(), known.end(), member.name());
    if (key == known.end()) {
      member.complain_unknown_key(known);
    } else {
      keys[static_cast<std::size_t>(key - known.begin())].read(member, target);
    }
  }
  for (const Key<Target>& key : keys) {
    const bool present = std::any_of(members->begin(), members->end(),
                                     [&](const Value& m) { return m.name() == key.name; });
    if (key.required && !present) {
      group.complain("missing key \"" + std::string(key.name) + "\"");
    }
  }
}

template <class Enum>
std::optional<Enum> Value::word(limits::NameTable<Enum> names) const {
  const auto written = text();
  if (!written) return std::nullopt;
  const auto value = limits::from_name<Enum>(names, *written);
  if (!value) {
    std::vector<std::string_view> known;
    for (const auto& entry : names) known.push_back(entry.first);
    complain_unknown_word(*written, known);
  }
  return value;
}

}  // namespace sluice::config
