#include "telemetry/line_writer.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace sluice::telemetry {

LineWriter::LineWriter(int fd) : fd_(fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return;
  if (S_ISSOCK(status.st_mode)) kind_ = Kind::kSocket;
  if (S_ISCHR(status.st_mode)) kind_ = Kind::kShared;
  if (!S_ISFIFO(status.st_mode)) return;
  const std::string path = fmt::format("/proc/self/fd/{}", fd);
  own_ = UniqueFd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  kind_ = own_ ? Kind::kDirect : Kind::kShared;
  if (own_) fd_ = own_.get();
}

bool LineWriter::write(std::string_view line) {
  if (!rest_.empty()) {
    const ssize_t sent = write_some(rest_);
    if (sent > 0) rest_.erase(0, static_cast<std::size_t>(sent));
    if (!rest_.empty()) return false;
  }
  const ssize_t sent = write_some(line);
  if (sent <= 0) return false;
  rest_ = line.substr(static_cast<std::size_t>(sent));
  return true;
}

// As write(2), but never waits.
ssize_t LineWriter::write_some(std::string_view bytes) const {
  switch (kind_) {
    case Kind::kSocket:
      return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::kShared:
      return write_shared(bytes);
    case Kind::kDirect:
      break;
  }
  return ::write(fd_, bytes.data(), bytes.size());
}

ssize_t LineWriter::write_shared(std::string_view bytes) const {
  const iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT(*-const-cast): C's
  const ssize_t sent = ::pwritev2(fd_, &part, 1, -1, RWF_NOWAIT);
  if (sent >= 0 || errno != EOPNOTSUPP) return sent;
  pollfd room{fd_, POLLOUT, 0};
  if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return -1;
  return ::write(fd_, bytes.data(), bytes.size());
}

}  // namespace sluice::telemetry
