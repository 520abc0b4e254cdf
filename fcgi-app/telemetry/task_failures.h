// What a TaskGroup does about a task that throws: one line in the log.
#pragma once

#include "base/task_group.h"
#include "telemetry/log.h"

namespace sluice::telemetry {

// `log` outlives the group.
[[nodiscard]] inline TaskGroup::OnFailure log_failures(Log& log) {
  return [&log](std::string_view name, std::string_view what) {
    log.error("task failed", {{"task", name}, {"reason", what}});
  };
}

}  // namespace sluice::telemetry
