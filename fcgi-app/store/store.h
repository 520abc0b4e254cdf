// The roles of everything that keeps state. One role, one interface, at most four methods.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "limits/charge.h"

namespace sluice::store {

// Where buckets live: Redis, or the memory of one host or process.
class BucketStore {
 public:
  BucketStore() = default;
  BucketStore(const BucketStore&) = delete;
  BucketStore& operator=(const BucketStore&) = delete;
  virtual ~BucketStore() = default;

  // Charges every bucket, sets up every bar that is to be and writes the mark, or none of them;
  // none, too, while one of the bars stands, or where the mark is not as expected. A denial is an
  // answer, not an error. No charges at all ask only whether the store works. `now` replaces the
  // store's own time: for tests. Errors: kStoreUnavailable (down, or late: a late take may yet have
  // happened, so it is never repeated), kStoreFault (the store is up and answers nonsense).
  // REQUIRES: what `ask` refers to outlives the returned task.
  [[nodiscard]] virtual Task<Result<limits::Decision>> take(limits::Ask ask,
                                                            std::optional<TimePoint> now) = 0;

  // What is stored under the key of a mark; nullopt: nothing. Errors as of take(). REQUIRES: `key`
  // outlives the returned task.
  [[nodiscard]] virtual Task<Result<std::optional<std::string>>> read(std::string_view key) = 0;

  // Forgets the buckets: each has its full quota again. Yields how many there were. For operators:
  // no request asks for it. Errors as of take(). REQUIRES: the keys outlive the returned task.
  [[nodiscard]] virtual Task<Result<std::int64_t>> reset(std::span<const std::string> keys) = 0;
};

// Passes every question on to another store. A decorator derives from it, and overrides what it
// changes.
class ForwardingStore : public BucketStore {
 public:
  // `target` outlives the object.
  explicit ForwardingStore(BucketStore& target) : target_(target) {}

  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask ask,
                                                    std::optional<TimePoint> now) override {
    return target_.take(ask, now);
  }
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view key) override {
    return target_.read(key);
  }
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> keys) override {
    return target_.reset(keys);
  }

 private:
  BucketStore& target_;
};

}  // namespace sluice::store
