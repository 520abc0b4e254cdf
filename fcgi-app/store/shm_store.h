// Buckets in memory that all workers of a host share: the storage of a single host, and what
// stands in for Redis while it is out.
//
// The file is described in shm_segment.h; the table in it, and how a decision is all or nothing
// even for a worker that is killed in the middle of one, in shm_table.h. One mutex guards it all.
// Nobody waits for it longer than Options::lock_wait, so a worker that was stopped with the mutex
// costs each of the others that wait once; until they get it again, they do not wait at all.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "store/shm_segment.h"
#include "store/shm_table.h"
#include "store/store.h"

namespace sluice::store {

class ShmStore final : public BucketStore {
 public:
  struct Options {
    // Of the file, and reserved when it is made: 64 KiB to 16 GiB. A bucket takes 260 bytes as a
    // rule, a sliding log 8 more for each unit.
    std::size_t bytes = std::size_t{64} << 20U;
    // The longest wait for the mutex. The worker serves nobody meanwhile.
    Duration lock_wait = std::chrono::milliseconds(20);
    Duration open_wait = std::chrono::seconds(5);  // for others that are opening the file
    ShmStep on_step = nullptr;                     // tests only
  };

  // Opens the file, and makes it if need be, whoever else does so at the same moment. `clock`
  // outlives the store. Errors: kInvalidConfig (the file does not suit; says what to do), kSystem.
  [[nodiscard]] static Result<std::unique_ptr<ShmStore>> open(const std::string& path,
                                                              const Clock& clock, Options options);

  // Never suspends. Errors: kStoreUnavailable (no mutex in time, or no room), kStoreFault (a key of
  // more than 512 bytes; bytes that are no bucket).
  [[nodiscard]] Task<Result<limits::Decision>> take(std::span<const limits::Charge> charges,
                                                    std::optional<TimePoint> now) override;
  // Key by key, so not all or none.
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> keys) override;

  // Buckets held, expired ones that are not swept yet among them.
  [[nodiscard]] std::size_t size() const { return table_.size(); }
  // Every bucket as "key=bytes in hex", sorted, joined by commas. It and usage() read everything
  // with the mutex held: for tests and operators.
  [[nodiscard]] Result<std::string> dump();
  [[nodiscard]] Result<ShmTable::Usage> usage();

 private:
  class Guard;

  ShmStore(ShmSegment segment, const Clock& clock, const Options& options)
      : segment_(std::move(segment)),
        table_(segment_, options.on_step),
        clock_(clock),
        options_(options) {}

  [[nodiscard]] Result<Guard> lock();
  [[nodiscard]] Result<limits::Decision> decide(std::span<const limits::Charge> charges,
                                                TimePoint now);

  ShmSegment segment_;
  ShmTable table_;
  const Clock& clock_;
  Options options_;
  bool patient_ = true;  // the last attempt to lock succeeded
};

}  // namespace sluice::store
