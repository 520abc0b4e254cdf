#include "commands/text_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "commands/command.h"

namespace sluice::commands {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> failure_of(const std::string& path, std::string_view what) {
  return fail(ErrorCode::kSystem, fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

bool put(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0;
}

// Whether `path` is made to be the file at `aside`, whose own name may remain.
bool take_place(const std::string& aside, const std::string& path, bool force) {
  // Only link() fails if there is a file, even one that has come just now.
  return (force ? ::rename(aside.c_str(), path.c_str()) : ::link(aside.c_str(), path.c_str())) == 0;
}

bool make_last(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd && ::fsync(fd.get()) == 0;
}

}  // namespace

Result<std::string> read_whole(const std::string& path, std::size_t most) {
  const auto refused = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidConfig, fmt::format("{}: cannot be read: {}", path, why));
  };
  const bool is_input = path == "-";
  const UniqueFd file(is_input ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!is_input && !file) return refused(std::strerror(errno));
  std::string text;
  std::array<char, 65536> part{};
  while (text.size() <= most) {
    const ssize_t got = ::read(is_input ? STDIN_FILENO : file.get(), part.data(), part.size());
    if (got < 0 && errno != EINTR) return refused(std::strerror(errno));
    if (got == 0) return text;
    if (got > 0) text.append(part.data(), static_cast<std::size_t>(got));
  }
  return refused(fmt::format("it is larger than {} bytes", most));
}

Result<void> write_whole(const std::string& path, std::string_view text, bool force) {
  std::error_code unknown;
  fs::path target = fs::weakly_canonical(path, unknown);  // where a link points: it stays
  if (unknown) target = path;
  struct stat old {};
  const bool is_there = ::stat(target.c_str(), &old) == 0;
  if (is_there && !S_ISREG(old.st_mode)) {
    return refuse_flags(fmt::format("{}: is no regular file; name one, or none", path));
  }
  const auto taken = [&] {
    return refuse_flags(fmt::format("{}: there is such a file; --force replaces it", path));
  };
  if (is_there && !force) return taken();

  const std::string aside = fmt::format("{}.{}.new", target.string(), ::getpid());
  ::unlink(aside.c_str());  // of one that died
  const UniqueFd file(
      ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return failure_of(aside, "cannot create");
  // The owner first: changing it may clear bits of the mode.
  const bool is_alike = !is_there || (::fchown(file.get(), old.st_uid, old.st_gid) == 0 &&
                                      ::fchmod(file.get(), old.st_mode & 0777U) == 0);
  const bool is_done = is_alike && put(file.get(), text) && take_place(aside, target, force);
  const int reason = errno;
  ::unlink(aside.c_str());
  errno = reason;
  if (!is_done && !force && errno == EEXIST) return taken();
  if (!is_done) return failure_of(path, "cannot write");
  if (!make_last(target)) return failure_of(path, "cannot be made to last");
  return {};
}

}  // namespace sluice::commands
