#include "shm/shared_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::shm {

Result<SharedFile> SharedFile::open(const std::string& path, bool create, Access access) {
  const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (create ? O_CREAT : 0);
  SharedFile file(path, UniqueFd(::open(path.c_str(), flags, 0600)));
  if (!file.fd_ && errno == ENOENT) {
    if (!create) return file.refuse("is not there", ErrorCode::kNotFound);
    return file.refuse("its folder is not there; make it, or name another path");
  }
  if (!file.fd_) return file.system_error("cannot open");
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return file.system_error("fstat");
  if (!S_ISREG(info.st_mode)) return file.refuse("is no file");
  const bool is_root = access == Access::kOwnerOrRoot && ::geteuid() == 0;
  if (info.st_uid != ::geteuid() && !is_root) {
    return file.refuse("is another user's; name another path");
  }
  if (access == Access::kOwner && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return file.refuse("is open to others; chmod 600");
  }
  return file;
}

std::size_t SharedFile::size() const {
  struct stat info {};
  return ::fstat(fd(), &info) == 0 ? static_cast<std::size_t>(info.st_size) : 0;
}

Result<void> SharedFile::reserve(std::size_t offset, std::size_t bytes) const {
  int result = -1;
  do {
    result = ::fallocate(fd(), 0, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result == 0) return {};
  return system_error(fmt::format("cannot reserve {} bytes", bytes));
}

tl::unexpected<Error> SharedFile::refuse(std::string_view why, ErrorCode code) const {
  return fail(code, fmt::format("{}: {}", path_, why));
}

tl::unexpected<Error> SharedFile::system_error(std::string_view what) const {
  return refuse(fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace sluice::shm
