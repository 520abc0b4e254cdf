// The FastCGI records of one request, read by the specification alone (1.0, sections 3 to 5): what
// the product's scanner and libfcgi are held against.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fcgi/record_scanner.h"

namespace sluice::fuzz {

using Verdict = fcgi::RecordScanner::Verdict;
using Pairs = std::vector<std::pair<std::string, std::string>>;

// One request at the front of some bytes.
struct Decoded {
  Verdict verdict = Verdict::kIncomplete;
  std::size_t size = 0;  // of kComplete: how many bytes are the request's
  bool keep = false;
  unsigned id = 0;
  Pairs pairs;
  std::string body;  // all of it, whatever the bound
};

class Decoder {
 public:
  Decoder(std::string_view bytes, fcgi::RecordScanner::Options bounds)
      : bytes_(bytes), bounds_(bounds) {}

  [[nodiscard]] Decoded decode() {
    while (result_.verdict == Verdict::kIncomplete && bytes_.size() - at_ >= kHeader) record();
    return std::move(result_);
  }

 private:
  static constexpr std::size_t kHeader = 8;
  static constexpr unsigned kBegin = 1;
  static constexpr unsigned kParams = 4;
  static constexpr unsigned kStdin = 5;

  [[nodiscard]] unsigned byte(std::size_t at) const {
    return static_cast<unsigned char>(bytes_[at]);
  }

  void record() {
    const unsigned type = byte(at_ + 1);
    const unsigned id = byte(at_ + 2) * 256U + byte(at_ + 3);
    const std::size_t length = byte(at_ + 4) * 256U + byte(at_ + 5);
    const std::size_t whole = kHeader + length + byte(at_ + 6);
    if (byte(at_) != 1 || id == 0 || type != expected_) return refuse();
    if (type == kBegin ? length != 8 : id != result_.id) return refuse();
    result_.id = id;
    const std::string_view content = bytes_.substr(at_ + kHeader, length);
    const bool cut = bytes_.size() - at_ < whole;
    if (type == kBegin) begin(content);
    if (type == kParams) params(content, length);
    if (type == kStdin) result_.body += content;
    if (result_.verdict != Verdict::kIncomplete) return;
    if (cut) {  // nothing comes after what is cut short
      at_ = bytes_.size();
      return;
    }
    at_ += whole;
    if (type == kStdin && length == 0) {
      result_.verdict = Verdict::kComplete;
      result_.size = at_;
    }
  }

  void begin(std::string_view content) {
    if (content.size() < 8) return;
    if (content[0] != 0 || content[1] != 1) return refuse();
    result_.keep = (static_cast<unsigned char>(content[2]) & 1U) != 0;
    expected_ = kParams;
  }

  void params(std::string_view content, std::size_t announced) {
    announced_ += announced;
    stream_ += content;
    if (announced > 0) return;
    is_cut_ = announced_ > bounds_.max_params_bytes;
    if (is_cut_) stream_.resize(bounds_.max_params_bytes);
    if (!read_pairs()) return refuse();
    expected_ = kStdin;
  }

  // False if the stream ends within a pair, but for one that is longer than its bound.
  bool read_pairs() {
    std::string_view rest = stream_;
    while (!rest.empty()) {
      std::size_t name = 0;
      std::size_t value = 0;
      const bool is_whole = read_length(rest, name) && read_length(rest, value);
      if (!is_whole || rest.size() < name + value) return is_cut_;
      result_.pairs.emplace_back(rest.substr(0, name), rest.substr(name, value));
      rest.remove_prefix(name + value);
    }
    return true;
  }

  static bool read_length(std::string_view& rest, std::size_t& length) {
    if (rest.empty()) return false;
    const bool is_long = (static_cast<unsigned char>(rest[0]) & 0x80U) != 0;
    const std::size_t size = is_long ? 4 : 1;
    if (rest.size() < size) return false;
    length = 0;
    for (const char c : rest.substr(0, size)) length = length << 8U | static_cast<unsigned char>(c);
    if (is_long) length &= 0x7fffffffU;
    rest.remove_prefix(size);
    return true;
  }

  void refuse() { result_.verdict = Verdict::kViolation; }

  std::string_view bytes_;
  fcgi::RecordScanner::Options bounds_;
  std::size_t at_ = 0;
  unsigned expected_ = kBegin;
  std::size_t announced_ = 0;
  std::string stream_;  // of parameters
  bool is_cut_ = false;
  Decoded result_;
};

// What a gateway makes of an answer's records: STDOUT's content, if the end of the request follows
// and nothing else does; "(broken)" for what is no answer.
inline std::string read_answer(std::string_view bytes, unsigned id) {
  std::string text;
  while (bytes.size() >= 8) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const std::size_t length = at(4) * 256U + at(5);
    const std::size_t whole = 8 + length + at(6);
    if (at(0) != 1 || at(2) * 256U + at(3) != id || whole > bytes.size()) break;
    const std::string_view content = bytes.substr(8, length);
    const unsigned type = at(1);
    bytes.remove_prefix(whole);
    if (type == 6) text += content;
    // END_REQUEST: status 0, FCGI_REQUEST_COMPLETE.
    if (type == 3)
      return bytes.empty() && content.substr(0, 5) == std::string_view("\0\0\0\0\0", 5)
                 ? text
                 : "(broken)";
    if (type != 6) break;
  }
  return "(broken)";
}

}  // namespace sluice::fuzz
