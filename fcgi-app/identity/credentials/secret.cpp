#include "identity/credentials/secret.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/character.h"
#include "base/unique_fd.h"
#include "identity/credentials/bytes.h"

namespace sluice::identity {
namespace {

constexpr std::size_t kMaxFileBytes = 65'536;

tl::unexpected<Error> refuse(const std::string& path, std::string_view what) {
  return fail(ErrorCode::kSystem, fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

// Writes a whole new file aside and links it into place, so nobody reads half a secret. A process's
// number would not do for the name: in another container that shares the folder it is the same.
Result<bool> create(const std::string& path) {
  Secret secret{};
  std::uint64_t aside_number = 0;
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()) ||
      getrandom(&aside_number, sizeof aside_number, 0) != sizeof aside_number) {
    return refuse(path, "getrandom");
  }
  const std::string text = fmt::format(
      "# Signs Sluice sessions. To rotate, put a new line first.\n{:02x}\n", fmt::join(secret, ""));
  const std::string aside = fmt::format("{}.{:016x}", path, aside_number);
  const UniqueFd file(open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return refuse(path, "cannot create");
  // The name is not to outlive a power failure that the secret does not.
  const bool written =
      write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      fsync(file.get()) == 0;
  const bool linked = written && (link(aside.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const int link_errno = errno;
  unlink(aside.c_str());
  errno = link_errno;
  if (!linked) return refuse(path, "cannot create");
  return true;
}

}  // namespace

Result<std::vector<Secret>> parse_secrets(std::string_view text) {
  std::vector<Secret> secrets;
  text = without_byte_order_mark(text);
  for (int line_number = 1; !text.empty(); ++line_number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);  // as editors of Windows end a line
    if (line.empty() || line.front() == '#') continue;
    Secret secret{};
    if (!parse_hex(line, secret)) {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("{}: {}", line_number,
                              unseen_in(line).value_or("a secret is 64 hex digits")));
    }
    secrets.push_back(secret);
  }
  if (secrets.empty()) return fail(ErrorCode::kInvalidConfig, "1: no secret");
  return secrets;
}

Result<std::vector<Secret>> parse_secret_list(std::string_view text) {
  constexpr std::string_view kSeparators = ", \t\r\n";
  std::vector<Secret> secrets;
  text = without_byte_order_mark(text);
  for (;;) {
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(kSeparators)));
    if (text.empty()) break;
    const std::string_view word = text.substr(0, text.find_first_of(kSeparators));
    text.remove_prefix(word.size());
    Secret secret{};
    if (!parse_hex(word, secret)) {
      const std::string which = fmt::format("secret {}", secrets.size() + 1);
      const auto unseen = unseen_in(word);
      return fail(
          ErrorCode::kInvalidConfig,
          unseen ? fmt::format("{}: {}", which, *unseen)
                 : fmt::format("{} is not 64 hex digits; several have a comma between", which));
    }
    secrets.push_back(secret);
  }
  if (secrets.empty()) return fail(ErrorCode::kInvalidConfig, "no secret; one is 64 hex digits");
  return secrets;
}

Result<std::vector<Secret>> read_secrets(const std::string& path) {
  // What is looked at is what is read: the file is opened once. A FIFO would block without the
  // flag.
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0) {
    const bool is_missing = errno == ENOENT;
    auto refused = refuse(path, "cannot read");
    if (is_missing) refused.value().code = ErrorCode::kNotFound;
    return refused;
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kInvalidConfig, fmt::format("{}: is no regular file", path));
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(ErrorCode::kInvalidConfig, fmt::format("{}: others may read it; chmod 600", path));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  const ssize_t size = read(file.get(), text.data(), text.size());
  if (size < 0) return refuse(path, "cannot read");
  text.resize(static_cast<std::size_t>(size));
  if (text.size() > kMaxFileBytes) {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}: is larger than {} bytes", path, kMaxFileBytes));
  }
  auto secrets = parse_secrets(text);
  if (!secrets) {
    return fail(secrets.error().code, fmt::format("{}:{}", path, secrets.error().detail));
  }
  return secrets;
}

Result<std::vector<Secret>> load_secrets(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 && errno == ENOENT) {
    if (auto created = create(path); !created) return tl::unexpected(created.error());
  }
  return read_secrets(path);
}

}  // namespace sluice::identity
