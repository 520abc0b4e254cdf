// The store that a config names, opened: workers and operators come to it the same way.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "config/config.h"
#include "loop/loop.h"
#include "regions.h"
#include "shm/segment.h"
#include "store/redis/redis_store.h"
#include "telemetry/log.h"

namespace sluice {

class Storage {
 public:
  // Connects to Redis, or opens the file. Throws std::runtime_error where the file does not suit,
  // in one line that begins with the storage's name.
  // All arguments but the config outlive it.
  Storage(const config::Config& config, loop::Loop& loop, const Clock& clock, telemetry::Log& log);

  [[nodiscard]] store::BucketStore& buckets() { return *buckets_; }
  // The time by which the buckets are counted: Redis's, or the host's.
  [[nodiscard]] const Clock& clock() const { return redis_ ? redis_->clock() : clock_; }
  // What bounds new buckets: the host's, or this process's where that cannot be.
  [[nodiscard]] std::span<std::byte> newcomers() const { return shared_.memory(kNewcomersRegion); }
  // What requests are counted in: the same.
  [[nodiscard]] std::span<std::byte> counters() const { return shared_.memory(kCountersRegion); }
  // Why Redis does not serve: a line of ASCII that tells no password; empty if it does, and where
  // there is no Redis.
  [[nodiscard]] std::string trouble() const;
  // Calls back once Redis has answered or failed for the first time; elsewhere at once.
  void when_settled(loop::Callback settled);
  // Everything that waits for Redis fails now.
  void drop(const std::string& why);

 private:
  const Clock& clock_;
  std::unique_ptr<redis::Link> redis_;
  store::RedisStore* redis_store_ = nullptr;  // buckets_, if they are in Redis
  std::unique_ptr<store::BucketStore> buckets_;
  shm::Segment shared_;
};

}  // namespace sluice
