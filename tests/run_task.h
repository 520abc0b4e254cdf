// Runs a task that needs no loop to its end.
#pragma once

#include <optional>
#include <stdexcept>

#include "base/task.h"

namespace sluice {

template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

template <class T>
T run_now(Task<T> task) {
  std::optional<T> result;
  start(keep_result(std::move(task), result));
  if (!result) throw std::logic_error("the task is still waiting");
  return std::move(*result);
}

}  // namespace sluice
