// Buckets in the memory of this process: for trying Sluice without Redis, and the model that the
// conformance suite holds the other stores against.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "limits/outcome.h"
#include "store/store.h"

namespace sluice::store {

class MemoryStore final : public BucketStore {
 public:
  struct Options {
    // Buckets that say no more than none are swept out when this many are held, and then at each
    // doubling.
    std::size_t sweep_at = 1024;
  };

  // `clock` outlives the store.
  MemoryStore(const Clock& clock, Options options)
      : clock_(clock), options_(options), sweep_at_(options.sweep_at) {}

  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask ask,
                                                    std::optional<TimePoint> now) override;
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view key) override;
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> keys) override;

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  // Every bucket as "key=bytes in hex", sorted, joined by commas.
  [[nodiscard]] std::string dump() const;

 private:
  struct Entry {
    // A bucket, until when a bar stands, or the bytes of a mark.
    std::variant<limits::Bucket, TimePoint, std::string> kept;
    TimePoint expires_at;
  };

  template <class Kept>
  [[nodiscard]] std::optional<Kept> find(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> find_mark(std::string_view key, TimePoint now) const;
  void sweep(TimePoint now);

  const Clock& clock_;
  Options options_;
  std::size_t sweep_at_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace sluice::store
