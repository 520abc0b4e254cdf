#include "fcgi/acceptor.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

namespace sluice::fcgi {
namespace {

UniqueFd open_spare() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

// EAGAIN: another worker was faster. With the others nothing is wrong here either.
bool is_passing(int error) {
  return error == EAGAIN || error == EINTR || error == ECONNABORTED;
}

}  // namespace

Acceptor::Acceptor(UniqueFd listener) : listener_(std::move(listener)), spare_(open_spare()) {}

UniqueFd Acceptor::take() const {
  return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

Acceptor::Accepted Acceptor::accept() {
  UniqueFd socket = take();
  if (socket) return {std::move(socket)};
  const int error = errno;
  if (is_passing(error)) return {};
  if (error == EMFILE || error == ENFILE) return refuse(error);
  return {{}, error};
}

// The kernel says that descriptors ran out before it looks whether anybody waits.
Acceptor::Accepted Acceptor::refuse(int error) {
  spare_.reset();
  UniqueFd socket = take();
  const bool nobody = !socket && is_passing(errno);
  const bool refused = static_cast<bool>(socket);
  socket.reset();
  spare_ = open_spare();
  if (nobody) return {};
  return {{}, error, refused};
}

}  // namespace sluice::fcgi
