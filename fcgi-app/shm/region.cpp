#include "shm/region.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace sluice::shm {
namespace {

tl::unexpected<Error> refuse(const std::string& path, std::string_view why) {
  return fail(ErrorCode::kSystem, fmt::format("{}: {}", path, why));
}

std::span<std::byte> map(std::size_t bytes, int flags, int fd) {
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (at == MAP_FAILED) return {};
  return {static_cast<std::byte*>(at), bytes};
}

}  // namespace

Result<Region> Region::open(const std::string& path, std::size_t bytes, bool create) {
  const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (create ? O_CREAT : 0);
  const UniqueFd fd(::open(path.c_str(), flags, 0600));
  if (!fd && errno == ENOENT) return fail(ErrorCode::kNotFound, path);
  if (!fd) return refuse(path, std::strerror(errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return refuse(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return refuse(path, "is no file");
  if (info.st_uid != ::geteuid() && ::geteuid() != 0) return refuse(path, "is another user's");
  // Of two at once both do it, and nothing changes.
  if (static_cast<std::size_t>(info.st_size) < bytes &&
      ::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) {
    return refuse(path, std::strerror(errno));
  }
  const auto memory = map(bytes, MAP_SHARED, fd.get());
  if (memory.empty()) return refuse(path, std::strerror(errno));
  return Region(memory);
}

Result<Region> Region::anonymous(std::size_t bytes) {
  const auto memory = map(bytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
  if (memory.empty()) return fail(ErrorCode::kSystem, std::strerror(errno));
  return Region(memory);
}

Region::~Region() {
  if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

}  // namespace sluice::shm
