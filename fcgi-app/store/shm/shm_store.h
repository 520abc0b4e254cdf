// Buckets in memory that all workers of a host share: the storage of a single host, and what
// stands in for Redis while it is out.
//
// The file is described in bucket_file.h; the table in it, and how a decision is all or nothing
// even for a worker that is killed in the middle of one, in shm_table.h. One mutex guards it all.
// Nobody waits for it longer than Options::lock_wait, so a worker that was stopped with the mutex
// costs each of the others that wait once; until they get it again, they do not wait at all.
//
// A full file serves newcomers by forgetting. A decision that lacks room looks at ShmTable::kReach
// blocks of the file, drops the buckets there that have expired, and if that is too little evicts
// the one that was asked for longest ago: an approximate LRU, as Redis's. A denial and a peek ask
// too, so who hammers is not forgotten. The work for it is bounded by the blocks that the decision
// takes (some 20 looks for each), however large the file. It never evicts a bucket that it charges.
//
// Counts are exact for what is not evicted. Who is evicted has the full quota again, and no more
// than that; an ended session or a lock-out that is evicted is over. That is better than to refuse:
// 503 for all newcomers would give whoever opens buckets a way to shut others out.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "store/shm/bucket_file.h"
#include "store/shm/shm_table.h"
#include "store/store.h"
#include "telemetry/log.h"

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
    bool create = true;  // false: only a file that counts are in already will do
    // Says when the store is down, up again, recovered or at fault; nullptr: nobody is told.
    // Outlives the store.
    telemetry::Log* log = nullptr;
    // "store is up" is said after so long without a failure: a file that is too small fails large
    // decisions only, so answers and failures alternate.
    Duration calm = std::chrono::seconds(5);
    // Between two lines of a fault, and of live buckets that are evicted.
    Duration pause = std::chrono::minutes(1);
    ShmStep on_step = nullptr;  // tests only
  };

  // Opens the file, and makes it if need be, whoever else does so at the same moment. `clock`
  // outlives the store. Errors: as of BucketFile::open().
  [[nodiscard]] static Result<std::unique_ptr<ShmStore>> open(const std::string& path,
                                                              const Clock& clock, Options options);

  // Never suspends. Errors: kStoreUnavailable (no mutex in time; buckets of this one decision that
  // the file cannot hold, which does not happen from 2 MiB on), kStoreFault (a key of more than
  // 1024 bytes; bytes that are no bucket, but under a limit in shadow mode: it never denies, and
  // begins anew).
  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask ask,
                                                    std::optional<TimePoint> now) override;
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view key) override;
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

  // What happened while the mutex was held, to be told without it: the log may block.
  struct News {
    bool recovered = false;
    bool wrote = false;
    bool evicted = false;
  };

  ShmStore(std::string path, BucketFile file, const Clock& clock, const Options& options)
      : path_(std::move(path)),
        file_(std::move(file)),
        table_(file_, options.on_step),
        clock_(clock),
        options_(options) {}

  [[nodiscard]] Result<Guard> lock();
  [[nodiscard]] Result<limits::Decision> take_now(const limits::Ask& ask,
                                                  std::optional<TimePoint> now);
  [[nodiscard]] Result<std::optional<std::string>> read_now(std::string_view key);
  [[nodiscard]] Result<std::int64_t> reset_now(std::span<const std::string> keys);
  void report(const Error* error);
  void report_serving(TimePoint now);
  void report_refusing(const std::string& why, TimePoint now);
  void report_fault(const std::string& why, TimePoint now);
  void report_full(TimePoint now);
  [[nodiscard]] Result<limits::Decision> decide(const limits::Ask& ask, TimePoint now);

  std::string path_;
  BucketFile file_;
  ShmTable table_;
  const Clock& clock_;
  Options options_;
  bool patient_ = true;  // the last attempt to lock succeeded
  News news_;
  std::optional<TimePoint> failed_at_;        // last; empty while the store is up
  std::optional<TimePoint> fault_logged_at_;  // last
  std::optional<TimePoint> full_logged_at_;   // last
};

}  // namespace sluice::store
