#include "commands/eviction.h"

#include <array>

#include <fcntl.h>

#include "base/task_group.h"
#include "base/unique_fd.h"
#include "loop/loop.h"
#include "redis/eviction_log.h"
#include "store/redis/redis_store.h"
#include "telemetry/log.h"

namespace sluice::commands {
namespace {

using Answer = Result<std::string>;

Task<void> ask_memory(redis::Link& link, Answer& answer, loop::Loop& loop) {
  constexpr std::array<std::string_view, 2> kInfo{"INFO", "memory"};
  if (redis::Wire* const wire = link.wire()) {
    const auto reply = co_await wire->command(kInfo);
    const auto memory = reply ? redis::text_in(*reply) : std::nullopt;
    const auto refusal = reply ? redis::error_in(*reply) : std::nullopt;
    if (memory) answer = redis::eviction_policy(*memory);
    if (refusal) {
      answer = fail(ErrorCode::kStoreUnavailable, std::string(redis::without_arguments(*refusal)));
    }
  } else if (!link.trouble().empty()) {
    answer = fail(ErrorCode::kStoreUnavailable, link.trouble());
  }
  loop.stop();
}

}  // namespace

Result<std::string> eviction_of(const redis::Link::Options& options) {
  const SystemClock clock;
  const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  telemetry::Log log(nowhere.get(), clock, {});  // what it says is a worker's business
  loop::Loop loop;
  Answer answer = fail(ErrorCode::kStoreUnavailable, "it does not answer in time");
  redis::Link link(loop, log, options, store::kTakeScript);
  TaskGroup tasks([&](std::string_view /*name*/, std::string_view what) {
    answer = fail(ErrorCode::kInternal, std::string(what));
    loop.stop();
  });
  link.when_settled(
      [&] { tasks.start("ask Redis for its memory", ask_memory(link, answer, loop)); });
  loop.run();
  return answer;
}

}  // namespace sluice::commands
