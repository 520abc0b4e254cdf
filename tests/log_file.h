// A log that a test reads.
#pragma once

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include <fcntl.h>

#include "base/unique_fd.h"
#include "telemetry/log.h"
#include "temporary_directory.h"

namespace sluice {

class LogFile {
 public:
  // `clock` outlives the log.
  explicit LogFile(const Clock& clock) : log_(file_.get(), clock, {}) {}

  [[nodiscard]] telemetry::Log& log() { return log_; }
  // Everything that was logged so far.
  [[nodiscard]] std::string text() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return std::move(text).str();
  }

 private:
  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/log";
  UniqueFd file_{::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  telemetry::Log log_;
};

}  // namespace sluice
