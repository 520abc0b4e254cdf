// The store that a worker or an operator asks, put together: made here, and nowhere else.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "loop/loop.h"
#include "redis/link.h"
#include "store/redis/redis_store.h"
#include "store/shm/shm_store.h"
#include "store/store.h"
#include "telemetry/log.h"

namespace sluice::store {

// Where counts live.
enum class Kind {
  kRedis,
  kSharedMemory,  // shm:///path: a file that the workers of one host share
  kMemory,        // memory://: each worker has its own
};
inline constexpr std::string_view kMemoryUri = "memory://";
inline constexpr std::string_view kSharedMemoryScheme = "shm://";

class Assembly {
 public:
  struct Options {
    Kind kind = Kind::kRedis;
    // Of kRedis and of kSharedMemory:
    redis::Link::Options redis = {};
    std::string file = {};
    ShmStore::Options shared_memory = {};

    // The URI, with *** for a password.
    [[nodiscard]] std::string text() const {
      if (kind == Kind::kMemory) return std::string(kMemoryUri);
      if (kind == Kind::kSharedMemory) return std::string(kSharedMemoryScheme) + file;
      return redis.uri.masked();
    }
  };

  // Connects to Redis, or opens the file. `loop`, `clock` and `log` outlive the object. Error:
  // kSystem, where the file does not suit: one line that begins with its URI.
  [[nodiscard]] static Result<Assembly> make(const Options& options, loop::Loop& loop,
                                             const Clock& clock, telemetry::Log& log);

  [[nodiscard]] BucketStore& buckets() { return *buckets_; }
  // The time by which the buckets are counted: Redis's, or the host's.
  [[nodiscard]] const Clock& clock() const { return redis_ ? redis_->clock() : clock_; }
  // Why Redis does not serve: a line of ASCII that tells no password; empty if it does, and where
  // there is no Redis.
  [[nodiscard]] std::string trouble() const;
  // Calls back once Redis has answered or failed for the first time; elsewhere at once.
  void when_settled(loop::Callback settled);
  // Everything that waits for Redis fails now.
  void drop(const std::string& why);

 private:
  explicit Assembly(const Clock& clock) : clock_(clock) {}

  const Clock& clock_;
  std::unique_ptr<redis::Link> redis_;
  RedisStore* redis_store_ = nullptr;  // buckets_, if they are in Redis
  std::unique_ptr<BucketStore> buckets_;
};

}  // namespace sluice::store
