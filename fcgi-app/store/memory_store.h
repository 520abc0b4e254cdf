// Buckets in the memory of this process: for trying Sluice without Redis, and the model that the
// conformance suite holds Redis against.
#pragma once

#include <string>
#include <unordered_map>

#include "limits/algorithm.h"
#include "store/store.h"

namespace sluice::store {

class MemoryStore final : public BucketStore {
 public:
  struct Options {
    // Closed windows are swept out when this many buckets are held, and then at each doubling.
    std::size_t sweep_at = 1024;
  };

  // `clock` outlives the store.
  MemoryStore(const Clock& clock, Options options)
      : clock_(clock), options_(options), sweep_at_(options.sweep_at) {}

  [[nodiscard]] Task<Result<limits::Decision>> take(std::span<const limits::Charge> charges,
                                                    std::optional<TimePoint> now) override;

  [[nodiscard]] std::size_t size() const { return buckets_.size(); }
  // Every bucket as "key=used opened_at", sorted, joined by commas.
  [[nodiscard]] std::string dump() const;

 private:
  void sweep(TimePoint now);

  const Clock& clock_;
  Options options_;
  std::size_t sweep_at_;
  std::unordered_map<std::string, limits::FixedWindow> buckets_;
};

}  // namespace sluice::store
