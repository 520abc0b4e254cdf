#include "limits/receipts.h"

#include "limits/bytes.h"

namespace sluice::limits {

void append(std::string& bytes, const Receipts& receipts) {
  append_integer<std::int64_t>(bytes, microseconds_since_epoch(receipts.at));
  for (const Receipt& receipt : receipts.charges) {
    append_integer<std::uint32_t>(bytes, receipt.units);
    append(bytes, receipt.after);
  }
}

std::optional<Receipts> decode_receipts(std::string_view bytes,
                                        std::span<const Algorithm> algorithms) {
  if (bytes.size() < sizeof(std::int64_t)) return std::nullopt;
  Receipts receipts{TimePoint(Duration(take_integer<std::int64_t>(bytes))), {}};
  if (!is_time(receipts.at)) return std::nullopt;
  for (const Algorithm algorithm : algorithms) {
    if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
    Receipt& receipt = receipts.charges.emplace_back();
    receipt.units = take_integer<std::uint32_t>(bytes);
    const auto after = decode_view(algorithm, bytes);
    if (!after) return std::nullopt;
    receipt.after = *after;
  }
  return bytes.empty() ? std::optional(std::move(receipts)) : std::nullopt;
}

}  // namespace sluice::limits
