// Writes lines to a file descriptor, and never waits for whoever reads them.
//
// The descriptor is inherited, and its O_NONBLOCK belongs to all processes that share it, so that
// flag is left alone:
// - a pipe is opened anew through /proc, which gives a description of our own;
// - a socket is asked not to wait at each send;
// - of a terminal, and of a pipe that cannot be opened anew (another user's), each write asks not
// to
//   wait; where the kernel cannot do that, it is first asked for room. Then a process that shares
//   the pipe and fills it in between can make this one wait.
// - a file is written to as it is.
#pragma once

#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/unique_fd.h"

namespace sluice::telemetry {

class LineWriter {
 public:
  // `fd` outlives the writer.
  explicit LineWriter(int fd);

  // Whether the line got through. It is whole in a pipe, a terminal and a file. A socket may take a
  // part of it: what is left, less than the line, is kept and goes before the next.
  // REQUIRES: at most PIPE_BUF bytes, a newline at the end.
  [[nodiscard]] bool write(std::string_view line);

 private:
  enum class Kind { kDirect, kSocket, kShared };

  [[nodiscard]] ssize_t write_some(std::string_view bytes) const;
  [[nodiscard]] ssize_t write_shared(std::string_view bytes) const;

  UniqueFd own_;  // a description of our own, if it takes one
  int fd_;
  Kind kind_ = Kind::kDirect;
  std::string rest_;  // of the line that got through last
};

}  // namespace sluice::telemetry
