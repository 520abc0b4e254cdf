#include "http/list_field.h"

namespace sluice::http {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::string_view take_last(std::string_view& list) {
  while (!list.empty()) {
    const std::size_t comma = list.rfind(',');
    const bool is_only = comma == std::string_view::npos;
    const std::string_view element = trimmed(is_only ? list : list.substr(comma + 1));
    list = is_only ? std::string_view() : list.substr(0, comma);
    if (!element.empty()) return element;
  }
  return {};
}

}  // namespace sluice::http
