#include "fcgi/record_scanner.h"

#include <algorithm>

namespace sluice::fcgi {
namespace {

// FastCGI Specification 1.0, section 8.
constexpr unsigned kVersion = 1;
constexpr unsigned kTypeBeginRequest = 1;
constexpr unsigned kTypeParams = 4;
constexpr unsigned kTypeStdin = 5;
constexpr unsigned kRoleResponder = 1;
constexpr std::size_t kBeginBodyBytes = 8;

std::string_view take_front(std::string_view& bytes, std::size_t count) {
  const std::string_view front = bytes.substr(0, count);
  bytes.remove_prefix(front.size());
  return front;
}

}  // namespace

void RecordScanner::reset() {
  const Options options = options_;
  std::string records = std::move(records_);
  records.clear();
  *this = RecordScanner(options);
  records_ = std::move(records);  // keeps its memory for the next request
}

RecordScanner::Verdict RecordScanner::feed(std::string_view& bytes) {
  for (;;) {
    if (content_left_ > 0) {
      const std::string_view content = take_front(bytes, content_left_);
      content_left_ -= content.size();
      if (!accept_content(content)) return Verdict::kViolation;
    } else if (padding_left_ > 0) {
      padding_left_ -= take_front(bytes, padding_left_).size();
    } else if (phase_ == Phase::kDone) {
      return Verdict::kComplete;
    } else {
      for (const char c : take_front(bytes, header_.size() - header_size_)) {
        header_.at(header_size_++) = static_cast<unsigned char>(c);
      }
      if (header_size_ == header_.size() && !accept_header()) return Verdict::kViolation;
    }
    const bool pending = content_left_ > 0 || padding_left_ > 0 || phase_ != Phase::kDone;
    if (bytes.empty() && pending) return Verdict::kIncomplete;
  }
}

bool RecordScanner::accept_header() {
  const auto& h = header_;
  const unsigned type = h[1];
  const unsigned request_id = h[2] * 256U + h[3];
  const std::size_t length = h[4] * 256U + h[5];
  header_size_ = 0;
  content_left_ = length;
  padding_left_ = h[6];
  if (h[0] != kVersion || request_id == 0) return false;
  if (phase_ == Phase::kBegin) {
    request_id_ = request_id;
    if (type != kTypeBeginRequest || length != kBeginBodyBytes) return false;
  } else if (request_id != request_id_ || !accept_stream_header(type, length)) {
    return false;
  }
  // Padding is dropped, so the header goes on without it. A body past its bound goes nowhere.
  if (phase_ == Phase::kBody && length > 0 && body_too_large()) return true;
  for (std::size_t i = 0; i < h.size(); ++i) {
    records_ += i == 6 ? '\0' : static_cast<char>(h.at(i));
  }
  return true;
}

bool RecordScanner::accept_stream_header(unsigned type, std::size_t length) {
  if (phase_ == Phase::kParams) {
    params_bytes_ += length;
    if (type != kTypeParams || params_bytes_ > options_.max_params_bytes) return false;
    return length > 0 || end_params();
  }
  body_bytes_ += length;
  if (type != kTypeStdin) return false;
  if (length == 0) phase_ = Phase::kDone;
  return true;
}

bool RecordScanner::accept_content(std::string_view content) {
  if (phase_ == Phase::kBegin) return accept_begin(content);
  if (phase_ == Phase::kParams && !accept_pairs(content)) return false;
  if (phase_ == Phase::kBody && body_too_large()) return true;
  records_ += content;
  return true;
}

bool RecordScanner::accept_begin(std::string_view content) {
  begin_body_ += content;
  records_ += content;
  if (begin_body_.size() < kBeginBodyBytes) return true;
  phase_ = Phase::kParams;
  return begin_body_[0] == 0 && begin_body_[1] == static_cast<char>(kRoleResponder);
}

// Follows the lengths of section 3.4 through the stream, wherever records split it.
bool RecordScanner::accept_pairs(std::string_view content) {
  while (!content.empty()) {
    if (field_ == Field::kText) {
      pair_left_ -= take_front(content, pair_left_).size();
      if (pair_left_ == 0) field_ = Field::kNameLength;
      continue;
    }
    const auto byte = static_cast<unsigned char>(take_front(content, 1).front());
    if (length_bytes_left_ > 0) {
      length_ = length_ * 256U + byte;
      --length_bytes_left_;
    } else if (byte >= 0x80) {
      length_ = byte & 0x7fU;
      length_bytes_left_ = 3;
    } else {
      length_ = byte;
    }
    if (length_bytes_left_ > 0) continue;
    pair_left_ += length_;
    if (pair_left_ > options_.max_params_bytes) return false;
    if (field_ == Field::kNameLength) {
      field_ = Field::kValueLength;
    } else {
      field_ = pair_left_ > 0 ? Field::kText : Field::kNameLength;
    }
  }
  return true;
}

// The parameters must not end within a pair.
bool RecordScanner::end_params() {
  phase_ = Phase::kBody;
  return field_ == Field::kNameLength && length_bytes_left_ == 0;
}

}  // namespace sluice::fcgi
