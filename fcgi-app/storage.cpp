#include "storage.h"

#include <algorithm>
#include <stdexcept>

#include "limiter/newcomers.h"
#include "store/memory/memory_store.h"
#include "store/shm/shm_store.h"

namespace sluice {
namespace {

std::unique_ptr<store::BucketStore> open_shared_memory(const config::Config& config,
                                                       const Clock& clock, telemetry::Log& log) {
  store::ShmStore::Options options = config.shared_memory;
  options.log = &log;
  auto opened = store::ShmStore::open(config.shared_memory_file, clock, options);
  if (!opened) {
    throw std::runtime_error(std::string(config::kSharedMemoryScheme) + opened.error().detail);
  }
  return std::move(*opened);
}

// Without the host's memory the bounds hold for each worker by itself: no reason not to serve.
shm::Region open_newcomers(const config::Config& config, telemetry::Log& log) {
  constexpr std::size_t kBytes = limiter::Newcomers::kBytes;
  if (!config.newcomers_file.empty()) {
    auto shared = shm::Region::open(config.newcomers_file, kBytes, config.shared_memory.create);
    if (shared) return std::move(*shared);
    if (shared.error().code != ErrorCode::kNotFound) {
      log.warning("new buckets are bounded by each worker alone",
                  {{"reason", shared.error().detail}});
    }
  }
  auto own = shm::Region::anonymous(kBytes);
  if (!own) throw std::runtime_error("no memory to count new buckets in: " + own.error().detail);
  return std::move(*own);
}

// One line, whatever a stranger at Redis's address said.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

Storage::Storage(const config::Config& config, loop::Loop& loop, const Clock& clock,
                 telemetry::Log& log)
    : clock_(clock) {
  switch (config.storage) {
    case config::Storage::kRedis: {
      redis_ = std::make_unique<redis::Link>(loop, log, config.redis, store::kTakeScript);
      auto store = std::make_unique<store::RedisStore>(loop, *redis_, log);
      redis_store_ = store.get();
      buckets_ = std::move(store);
      break;
    }
    case config::Storage::kSharedMemory:
      buckets_ = open_shared_memory(config, clock, log);
      break;
    case config::Storage::kMemory:
      buckets_ = std::make_unique<store::MemoryStore>(clock, store::MemoryStore::Options{});
      break;
  }
  newcomers_.emplace(open_newcomers(config, log));
}

std::string Storage::trouble() const {
  if (!redis_) return "";
  return one_line(redis_->trouble().empty() ? redis_store_->last_fault() : redis_->trouble());
}

void Storage::when_settled(loop::Callback settled) {
  if (!redis_) return settled();
  redis_->when_settled(std::move(settled));
}

void Storage::drop(const std::string& why) {
  if (redis_) redis_->drop(why);
}

}  // namespace sluice
