// A file that processes of a host share. It is opened with care: anybody may write to /dev/shm.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sluice::shm {

// Who may open it.
enum class Access {
  kOwner,        // whose alone it has to be, by its mode too
  kOwnerOrRoot,  // whatever its mode
};

// All errors are one line that begins with the path, of kSystem where nothing else is said.
class SharedFile {
 public:
  // Opens a file, for reading and writing; `create` makes it (mode 0600). It follows no link.
  // Errors: kNotFound, without `create`; kSystem, also for what is no file, or not one for us.
  [[nodiscard]] static Result<SharedFile> open(const std::string& path, bool create, Access access);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::size_t size() const;  // 0 also where the kernel does not say

  // Reserves memory: a store to a page for which tmpfs has no room would be a SIGBUS. The file
  // grows if it must, and never shrinks: another process may have made it larger meanwhile.
  [[nodiscard]] Result<void> reserve(std::size_t offset, std::size_t bytes) const;

  // Why the file does not serve.
  [[nodiscard]] tl::unexpected<Error> refuse(std::string_view why,
                                             ErrorCode code = ErrorCode::kSystem) const;
  // The same of a system call, with errno.
  [[nodiscard]] tl::unexpected<Error> system_error(std::string_view what) const;

 private:
  SharedFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  UniqueFd fd_;
};

}  // namespace sluice::shm
