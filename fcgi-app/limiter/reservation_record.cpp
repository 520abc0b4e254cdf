#include "limiter/reservation_record.h"

#include "limits/bucket.h"
#include "limits/bytes.h"
#include "limits/charge.h"

namespace sluice::limiter {
namespace {

using limits::append_integer;

constexpr std::uint8_t kReserved = 1;
constexpr std::uint8_t kSettled = 2;

void append_text(std::string& bytes, std::string_view text) {
  append_integer<std::uint16_t>(bytes, text.size());
  bytes.append(text);
}

// Reads from the front, and notes when there is too little.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <class Stored>
  Stored integer() {
    good_ = good_ && rest_.size() >= sizeof(Stored);
    return good_ ? limits::take_integer<Stored>(rest_) : Stored{};
  }
  std::string text() {
    const std::size_t size = integer<std::uint16_t>();
    good_ = good_ && rest_.size() >= size;
    std::string text(good_ ? rest_.substr(0, size) : "");
    rest_.remove_prefix(text.size());
    return text;
  }
  limits::Terms terms() {
    const auto terms = limits::take_terms(rest_);
    good_ = good_ && terms;
    return terms.value_or(limits::Terms{});
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

RecordedCharge read_charge(Reader& reader) {
  RecordedCharge charge;
  charge.kind = static_cast<RecordedCharge::Kind>(reader.integer<std::uint8_t>());
  charge.key = reader.text();
  charge.tenant = reader.text();
  charge.name = reader.text();
  charge.terms = reader.terms();
  return charge;
}

}  // namespace

std::string encode(const ReservationRecord& record) {
  std::string bytes;
  append_integer<std::uint8_t>(bytes, record.is_settled ? kSettled : kReserved);
  append_integer<std::int64_t>(bytes, record.estimate);
  append_integer<std::int64_t>(bytes, record.actual);
  append_integer<std::int64_t>(bytes, microseconds_since_epoch(record.until));
  append_text(bytes, record.unit);
  append_integer<std::uint8_t>(bytes, record.charges.size());
  for (const RecordedCharge& charge : record.charges) {
    append_integer<std::uint8_t>(bytes, static_cast<std::uint8_t>(charge.kind));
    append_text(bytes, charge.key);
    append_text(bytes, charge.tenant);
    append_text(bytes, charge.name);
    limits::append(bytes, charge.terms);
  }
  return bytes;
}

std::optional<ReservationRecord> decode_record(std::string_view bytes) {
  Reader reader(bytes);
  ReservationRecord record;
  const auto kind = reader.integer<std::uint8_t>();
  if (kind != kReserved && kind != kSettled) return std::nullopt;
  record.is_settled = kind == kSettled;
  record.estimate = reader.integer<std::int64_t>();
  record.actual = reader.integer<std::int64_t>();
  const Duration until(reader.integer<std::int64_t>());
  record.unit = reader.text();
  const auto count = reader.integer<std::uint8_t>();
  if (count > limits::kMaxCharges) return std::nullopt;
  std::vector<limits::Algorithm> algorithms;
  for (unsigned i = 0; i < count; ++i) {
    record.charges.push_back(read_charge(reader));
    if (!reader.good()) return std::nullopt;
    algorithms.push_back(record.charges.back().terms.algorithm);
  }
  const auto receipts = limits::decode_receipts(reader.rest(), algorithms);
  if (!reader.good() || !receipts || !limits::is_time(TimePoint(until))) return std::nullopt;
  record.receipts = *receipts;
  record.until = record.is_settled ? TimePoint(until) : receipts->at + until;
  return record;
}

}  // namespace sluice::limiter
