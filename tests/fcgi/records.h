// FastCGI records, as a web server writes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::fcgi {

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline char byte(std::size_t value) {
  return static_cast<char>(value & 0xffU);
}

inline std::string record(unsigned type, std::string_view content, unsigned id = 1,
                          std::size_t padding = 0) {
  std::string text{'\1',
                   byte(type),
                   byte(id >> 8U),
                   byte(id),
                   byte(content.size() >> 8U),
                   byte(content.size()),
                   byte(padding),
                   '\0'};
  return text.append(content).append(padding, 'p');
}

inline std::string begin_request(bool keep = true, unsigned role = 1) {
  const std::string body{'\0', byte(role), byte(keep ? 1U : 0U), '\0', '\0', '\0', '\0', '\0'};
  return record(1, body);
}

inline std::string length(std::size_t value) {
  if (value < 0x80) return {byte(value)};
  return {byte((value >> 24U) | 0x80U), byte(value >> 16U), byte(value >> 8U), byte(value)};
}

inline std::string pairs(const Pairs& params) {
  std::string text;
  for (const auto& [name, value] : params) {
    text += length(name.size()) + length(value.size()) + name + value;
  }
  return text;
}

// A whole request.
inline std::string request(const Pairs& params, std::string_view body = "", bool keep = true) {
  std::string text = begin_request(keep) + record(4, pairs(params)) + record(4, "");
  for (; !body.empty(); body.remove_prefix(std::min<std::size_t>(body.size(), 8192))) {
    text += record(5, body.substr(0, 8192));
  }
  return text + record(5, "");
}

// What an answer's records hold.
inline std::string stdout_of(std::string_view records) {
  std::string text;
  while (records.size() >= 8) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(records[i]); };
    const std::size_t size = at(4) * 256U + at(5);
    if (at(1) == 6) text += records.substr(8, size);
    records.remove_prefix(8 + size + at(6));
  }
  return text;
}

}  // namespace sluice::fcgi
