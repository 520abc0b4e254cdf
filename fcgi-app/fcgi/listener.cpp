#include "fcgi/listener.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::fcgi {
namespace {

constexpr int kSystemdFd = 3;
constexpr int kSpawnFcgiFd = 0;
constexpr int kBacklog = 1024;
constexpr mode_t kMode = 0660;

tl::unexpected<Error> refuse(const std::string& what) {
  return fail(ErrorCode::kSystem, fmt::format("{}: {}", what, std::strerror(errno)));
}

bool passed_by_systemd() {
  const char* pid = std::getenv("LISTEN_PID");
  const char* fds = std::getenv("LISTEN_FDS");
  return pid && fds && fmt::to_string(getpid()) == pid && std::strcmp(fds, "1") == 0;
}

bool listens(int fd) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1;
}

sockaddr_storage address_of(const UniqueFd& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

// The path of a unix socket, empty if it is abstract; nothing for a socket of another family.
std::optional<std::string> path_of(const UniqueFd& socket) {
  const sockaddr_storage storage = address_of(socket);
  if (storage.ss_family != AF_UNIX) return std::nullopt;
  const auto& address = reinterpret_cast<const sockaddr_un&>(storage);
  return static_cast<const char*>(address.sun_path);
}

}  // namespace

Result<UniqueFd> inherited_listener() {
  UniqueFd socket(passed_by_systemd() ? kSystemdFd : kSpawnFcgiFd);
  if (!listens(socket.get())) {
    return fail(ErrorCode::kSystem,
                "fd 0 is no listening socket: start the worker by spawn-fcgi, or with --listen");
  }
  struct stat info {};
  const auto path = path_of(socket);
  if (path == "") {
    return fail(ErrorCode::kInvalidConfig,
                "anybody on this host may write to an abstract unix socket, and so claim to be any "
                "client; give it a path, as spawn-fcgi -M 0660 -s PATH");
  }
  if (path && ::stat(path->c_str(), &info) == 0 && (info.st_mode & S_IWOTH) != 0) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}: others than its owner and its group may write to this socket, and "
                            "so claim to be any client; spawn-fcgi -M 0660",
                            *path));
  }
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
  return socket;
}

Result<UniqueFd> listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return refuse(path);
  }
  path.copy(static_cast<char*>(address.sun_path), path.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return refuse("socket");
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) ::unlink(path.c_str());
  // bind() makes the file. A chmod() after it would leave an instant in which anybody connects.
  const mode_t before = ::umask(0777 & ~kMode);
  const bool bound =
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int bind_errno = errno;
  ::umask(before);
  errno = bind_errno;
  if (!bound || ::listen(socket.get(), kBacklog) != 0) return refuse(path);
  return socket;
}

bool is_network_socket(const UniqueFd& socket) {
  return address_of(socket).ss_family != AF_UNIX;
}

}  // namespace sluice::fcgi
