#include "store/assembly.h"

#include <algorithm>
#include <utility>

#include "store/memory/memory_store.h"

namespace sluice::store {
namespace {

// One line, whatever a stranger at Redis's address said.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

}  // namespace

Result<Assembly> Assembly::make(const Options& options, loop::Loop& loop, const Clock& clock,
                                telemetry::Log& log) {
  Assembly made(clock);
  switch (options.kind) {
    case Kind::kRedis: {
      made.redis_ = std::make_unique<redis::Link>(loop, log, options.redis, kTakeScript);
      auto store = std::make_unique<RedisStore>(loop, *made.redis_, log);
      made.redis_store_ = store.get();
      made.buckets_ = std::move(store);
      break;
    }
    case Kind::kSharedMemory: {
      ShmStore::Options shared = options.shared_memory;
      shared.log = &log;
      auto opened = ShmStore::open(options.file, clock, shared);
      if (!opened) {
        return fail(ErrorCode::kSystem, std::string(kSharedMemoryScheme) + opened.error().detail);
      }
      made.buckets_ = std::move(*opened);
      break;
    }
    case Kind::kMemory:
      made.buckets_ = std::make_unique<MemoryStore>(clock, MemoryStore::Options{});
      break;
  }
  return made;
}

std::string Assembly::trouble() const {
  if (!redis_) return "";
  return one_line(redis_->trouble().empty() ? redis_store_->last_fault() : redis_->trouble());
}

void Assembly::when_settled(loop::Callback settled) {
  if (!redis_) return settled();
  redis_->when_settled(std::move(settled));
}

void Assembly::drop(const std::string& why) {
  if (redis_) redis_->drop(why);
}

}  // namespace sluice::store
