#include "config/document/reader.h"

#include <array>
#include <numeric>

#include <fmt/format.h>
#include <libconfig.h++>

namespace sluice::config {
namespace {

constexpr std::size_t kMaxHintedEdits = 2;
constexpr std::size_t kMaxListedWords = 24;

std::string_view type_name(libconfig::Setting::Type type) {
  switch (type) {
    case libconfig::Setting::TypeInt:
    case libconfig::Setting::TypeInt64:
      return "an integer";
    case libconfig::Setting::TypeFloat:
      return "a decimal number";
    case libconfig::Setting::TypeString:
      return "a string";
    case libconfig::Setting::TypeBoolean:
      return "a boolean";
    case libconfig::Setting::TypeGroup:
      return "a group { }";
    case libconfig::Setting::TypeArray:
      return "an array [ ]";
    case libconfig::Setting::TypeList:
      return "a list ( )";
    case libconfig::Setting::TypeNone:
      break;
  }
  return "nothing";
}

// The Levenshtein distance, computed one row of its table at a time.
std::size_t edits(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (const char c : from) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (c == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string alternatives(Words words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view before = i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
    text.append(before).append(words[i]);
  }
  return text;
}

std::string hint(std::string_view word, Words known) {
  std::string_view nearest;
  std::size_t fewest = kMaxHintedEdits + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edits(word, candidate);
    // With as many edits as it has letters, a word could be any other.
    if (distance < fewest && distance < candidate.size()) {
      nearest = candidate;
      fewest = distance;
    }
  }
  if (!nearest.empty()) return fmt::format("; did you mean \"{}\"?", nearest);
  if (known.empty() || known.size() > kMaxListedWords) return "";
  return fmt::format("; use {}", alternatives(known));
}

std::optional<std::int64_t> Value::integer(std::int64_t low, std::int64_t high) const {
  std::int64_t value = 0;
  switch (setting_->getType()) {
    case libconfig::Setting::TypeInt:
      value = static_cast<int>(*setting_);
      break;
    case libconfig::Setting::TypeInt64:
      value = static_cast<long long>(*setting_);
      break;
    default:
      complain_type("an integer");
      return std::nullopt;
  }
  if (value >= low && value <= high) return value;
  // The scanner has complained of a number that wrapped. What it became would only confuse.
  if (!report_->blames(place())) {
    complain(fmt::format("{} must be from {} to {}, not {}", label(), low, high, value));
  }
  return std::nullopt;
}

std::optional<std::string> Value::text() const {
  if (setting_->getType() == libconfig::Setting::TypeString) return std::string(setting_->c_str());
  complain_type("a string");
  return std::nullopt;
}

std::optional<std::vector<Value>> Value::elements() const {
  if (setting_->isList() || setting_->isArray()) return children();
  complain_type("a list ( )");
  return std::nullopt;
}

std::optional<std::vector<Value>> Value::members() const {
  if (setting_->isGroup()) return children();
  complain_type("a group { }");
  return std::nullopt;
}

std::string_view Value::name() const {
  const char* const name = setting_->getName();
  return name == nullptr ? std::string_view() : name;
}

Place Value::place() const {
  return source_->place(setting_->getSourceLine());
}

void Value::complain_unknown_word(std::string_view word, Words known) const {
  complain(fmt::format("unknown {} \"{}\"; use {}", name(), word, alternatives(known)));
}

void Value::complain_unknown_key(Words known) const {
  complain(fmt::format("unknown key \"{}\"{}", name(), hint(name(), known)));
}

std::string Value::label() const {
  if (!name().empty()) return fmt::format("\"{}\"", name());
  const char* const list = setting_->getParent().getName();
  return fmt::format("each element of \"{}\"", list == nullptr ? "" : list);
}

void Value::complain_type(std::string_view expected) const {
  complain(fmt::format("{} must be {}, not {}", label(), expected, type_name(setting_->getType())));
}

std::vector<Value> Value::children() const {
  std::vector<Value> values;
  for (int i = 0; i < setting_->getLength(); ++i) {
    values.emplace_back((*setting_)[i], *source_, *report_);
  }
  return values;
}

}  // namespace sluice::config
