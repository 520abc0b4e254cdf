#include "storage.h"

#include <algorithm>
#include <stdexcept>

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

shm::Segment open_shared(const config::Config& config, telemetry::Log& log) {
  auto opened = open_regions(config.shared_file, config.shared_memory.create, log);
  if (!opened) throw std::runtime_error(opened.error().detail);
  return std::move(*opened);
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
    : clock_(clock), shared_(open_shared(config, log)) {
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
