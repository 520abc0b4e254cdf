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
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> keys) override;

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  // Every bucket as "key=bytes in hex", sorted, joined by commas.
  [[nodiscard]] std::string dump() const;

 private:
  struct Entry {
    std::variant<limits::Bucket, TimePoint> kept;  // a bucket, or until when a bar stands
    TimePoint expires_at;
  };

  template <class Kept>
  [[nodiscard]] std::optional<Kept> find(std::string_view key) const;
  void sweep(TimePoint now);

  const Clock& clock_;
  Options options_;
  std::size_t sweep_at_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace sluice::store
