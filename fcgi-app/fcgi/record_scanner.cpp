#include "fcgi/record_scanner.h"

#include <algorithm>
#include <optional>

namespace sluice::fcgi {
namespace {

// FastCGI Specification 1.0, section 8.
constexpr unsigned kVersion = 1;
constexpr unsigned kTypeBeginRequest = 1;
constexpr unsigned kTypeParams = 4;
constexpr unsigned kTypeStdin = 5;
constexpr unsigned kRoleResponder = 1;
constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kBeginBodyBytes = 8;

std::string_view take_front(std::string_view& bytes, std::size_t count) {
  const std::string_view front = bytes.substr(0, count);
  bytes.remove_prefix(front.size());
  return front;
}

// A header without padding, which is dropped.
void append_header(std::string& records, unsigned type, unsigned request_id, std::size_t length) {
  for (const std::size_t byte :
       {std::size_t{kVersion}, std::size_t{type}, std::size_t{request_id >> 8U},
        std::size_t{request_id}, length >> 8U, length, std::size_t{0}, std::size_t{0}}) {
    records += static_cast<char>(byte & 0xffU);
  }
}

// The length of a name or a value, taken from the front: one byte, or four with the first bit set
// (section 3.4). Nothing where it is cut short.
std::optional<std::size_t> take_length(std::string_view& bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto first = static_cast<unsigned char>(bytes.front());
  const std::string_view written = take_front(bytes, first < 0x80 ? 1 : 4);
  if (first < 0x80) return first;
  if (written.size() < 4) return std::nullopt;
  std::size_t length = 0;
  for (const char c : written) length = length * 256U + static_cast<unsigned char>(c);
  return length & 0x7fffffffU;
}

}  // namespace

// Strings keep their memory for the next request.
void RecordScanner::reset() {
  phase_ = Phase::kBegin;
  header_size_ = content_left_ = padding_left_ = body_bytes_ = 0;
  too_many_params_ = false;
  params_.clear();
  for (std::string* text : {&opening_, &pairs_, &body_}) text->clear();
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
      const std::string_view part = take_front(bytes, header_.size() - header_size_);
      std::copy(part.begin(), part.end(), header_.begin() + header_size_);
      header_size_ += part.size();
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
  if (phase_ != Phase::kBegin) {
    return request_id == request_id_ && accept_stream_header(type, length);
  }
  request_id_ = request_id;
  append_header(opening_, type, request_id, length);
  return type == kTypeBeginRequest && length == kBeginBodyBytes;
}

// An empty record ends its stream.
bool RecordScanner::accept_stream_header(unsigned type, std::size_t length) {
  if (phase_ == Phase::kParams) {
    if (type != kTypeParams) return false;
    if (pairs_.size() + length > options_.max_params_bytes) too_many_params_ = true;
    if (length > 0) return true;
    append_header(opening_, kTypeParams, request_id_, 0);
    phase_ = Phase::kBody;
    return read_params();
  }
  if (type != kTypeStdin) return false;
  body_bytes_ += length;
  if (body_too_large()) body_.clear();
  if (length == 0) phase_ = Phase::kDone;
  return true;
}

bool RecordScanner::accept_content(std::string_view content) {
  if (phase_ == Phase::kBegin) return accept_begin(content);
  if (phase_ == Phase::kParams) {
    pairs_.append(content, 0, options_.max_params_bytes - pairs_.size());
  } else if (!body_too_large()) {
    body_ += content;
  }
  return true;
}

bool RecordScanner::accept_begin(std::string_view content) {
  opening_ += content;
  if (opening_.size() < kHeaderBytes + kBeginBodyBytes) return true;
  phase_ = Phase::kParams;
  return opening_[kHeaderBytes] == 0 &&
         opening_[kHeaderBytes + 1] == static_cast<char>(kRoleResponder);
}

// The pairs must fill the stream, to the byte. Of one that is too long those count that are whole.
bool RecordScanner::read_params() {
  const bool is_cut = too_many_params_;
  std::string_view rest = pairs_;
  while (!rest.empty()) {
    const auto name_length = take_length(rest);
    const auto value_length = take_length(rest);
    if (!name_length || !value_length || *name_length + *value_length > rest.size()) return is_cut;
    const http::Param param{take_front(rest, *name_length), take_front(rest, *value_length)};
    if (params_.size() < http::Request::kMaxParams) {
      params_.push_back(param);
    } else {
      too_many_params_ = true;
    }
  }
  return true;
}

}  // namespace sluice::fcgi
