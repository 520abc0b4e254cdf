#include "identity/credentials/api_key_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/character.h"
#include "base/digits.h"
#include "base/ids.h"
#include "base/unique_fd.h"
#include "identity/credentials/bytes.h"

namespace sluice::identity {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::size_t kColumns = 5;
constexpr std::string_view kBlanks = " \t";
constexpr mode_t kNewFileMode = 0640;
constexpr std::chrono::seconds kLockPatience{10};
constexpr std::chrono::milliseconds kLockPause{5};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; (at = line.find_first_not_of(kBlanks, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

// "2026-01-31T12:00:00Z", of a day that there is.
bool is_created_text(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";
  const auto fits = [](char shape, char c) {
    return shape == 'd' ? c >= '0' && c <= '9' : shape == c;
  };
  if (text.size() != kShape.size() ||
      !std::equal(kShape.begin(), kShape.end(), text.begin(), fits)) {
    return false;
  }
  const auto part = [&](std::size_t at, std::size_t size) {
    return static_cast<int>(*parse_digits(text.substr(at, size)));
  };
  const std::chrono::year_month_day day{std::chrono::year(part(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(part(8, 2)))};
  return day.ok() && part(11, 2) < 24 && part(14, 2) < 60 && part(17, 2) < 60;
}

// What is wrong with a line; empty: nothing, and `key` is what it says.
std::string parse_line(std::string_view line, ApiKey& key) {
  if (auto unseen = unseen_in(line)) return std::move(*unseen);
  const auto words = words_of(line);
  if (words.size() != kColumns) {
    return fmt::format("has {} words; a line is ID TENANT USER HASH CREATED", words.size());
  }
  constexpr std::array<std::string_view, 3> kIdColumns{"ID", "TENANT", "USER"};
  for (std::size_t i = 0; i < kIdColumns.size(); ++i) {
    if (is_valid_id(words[i])) continue;
    return fmt::format("{} must be {}", kIdColumns.at(i), kIdRule);
  }
  if (!parse_hex(words[3], key.hash)) {
    return "HASH must be 64 hex digits; remove the line and make a key with sluice key new";
  }
  if (!is_created_text(words[4])) return "CREATED must be a time in UTC as 2026-01-31T12:00:00Z";
  key.id = words[0];
  key.tenant = words[1];
  key.user = words[2];
  key.created = words[4];
  return "";
}

tl::unexpected<Error> refuse(std::string what) {
  return fail(ErrorCode::kInvalidConfig, std::move(what));
}

tl::unexpected<Error> system_failure(const fs::path& path, std::string_view what) {
  return fail(ErrorCode::kSystem,
              fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

// Keeps the others out, until it is closed. The folder: the file itself is replaced, and a file of
// its own would stay behind.
Result<UniqueFd> lock_folder(const fs::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return system_failure(folder, "cannot open");
  for (const auto deadline = steady_clock::now() + kLockPatience;;) {
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    if ((errno != EWOULDBLOCK && errno != EINTR) || steady_clock::now() >= deadline) {
      return system_failure(folder, "cannot be locked; is another sluice key at work?");
    }
    std::this_thread::sleep_for(kLockPause);
  }
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Gives a new file the owner and mode of the one whose place it takes.
bool inherit(int fd, const fs::path& old) {
  struct stat info {};
  if (::stat(old.c_str(), &info) != 0) return errno == ENOENT && ::fchmod(fd, kNewFileMode) == 0;
  // The owner first: changing it may clear bits of the mode.
  return ::fchown(fd, info.st_uid, info.st_gid) == 0 && ::fchmod(fd, info.st_mode & 0777U) == 0;
}

// REQUIRES: the folder, open as `folder`, is locked.
Result<bool> replace(const fs::path& path, std::string_view text, int folder) {
  const fs::path aside = path.string() + ".new";
  ::unlink(aside.c_str());  // of one that died; nobody else is here
  const UniqueFd file(
      ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_failure(aside, "cannot create");
  if (inherit(file.get(), path) && write_all(file.get(), text) && ::fsync(file.get()) == 0 &&
      ::rename(aside.c_str(), path.c_str()) == 0) {
    // The name is in the folder, which is a file of its own.
    if (::fsync(folder) != 0) return system_failure(path, "cannot be made to last");
    return true;
  }
  const auto failure = system_failure(path, "cannot replace");
  ::unlink(aside.c_str());
  return failure;
}

}  // namespace

std::string ApiKeyList::complaint_text(std::string_view path) const {
  std::string text;
  for (const auto& [line, what] : complaints) {
    text += fmt::format("{}{}:{}: {}", text.empty() ? "" : "\n", path, line, what);
  }
  return text;
}

ApiKeyList parse_api_keys(std::string_view text) {
  ApiKeyList list;
  std::map<std::string, unsigned> ids;
  std::map<ApiKeyHash, unsigned> hashes;
  text = without_byte_order_mark(text);
  for (unsigned line_number = 1; !text.empty(); ++line_number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);  // of an editor on Windows
    const std::size_t first = line.find_first_not_of(kBlanks);
    if (first == std::string_view::npos || line[first] == '#') continue;
    ApiKey key;
    key.line = line_number;
    if (auto what = parse_line(line, key); !what.empty()) {
      list.complaints.push_back({line_number, std::move(what)});
      continue;
    }
    if (const auto [earlier, is_new] = ids.emplace(key.id, line_number); !is_new) {
      list.complaints.push_back(
          {line_number, fmt::format("duplicate ID; the first is in line {}", earlier->second)});
    }
    if (const auto [earlier, is_new] = hashes.emplace(key.hash, line_number); !is_new) {
      list.complaints.push_back(
          {line_number, fmt::format("duplicate HASH; the first is in line {}", earlier->second)});
    }
    list.keys.push_back(std::move(key));
  }
  return list;
}

std::string api_key_line(const ApiKey& key) {
  return fmt::format("{} {} {} {:02x} {}", key.id, key.tenant, key.user, fmt::join(key.hash, ""),
                     key.created);
}

std::string created_text(TimePoint at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", std::chrono::floor<std::chrono::seconds>(at));
}

Result<std::string> read_api_key_file(const std::string& path) {
  const auto failure = [] { return refuse(fmt::format("cannot be read: {}", strerror(errno))); };
  // Non-blocking, or a FIFO would wait here for its writer.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::string();
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return failure();
  if (!S_ISREG(info.st_mode)) return refuse("cannot be read: it is not a regular file");
  if ((info.st_mode & S_IWOTH) != 0) return refuse("everybody may add keys; chmod o-w");
  std::string text;
  std::array<char, 65536> part{};
  while (text.size() <= kMaxApiKeyFileBytes) {
    const ssize_t got = ::read(file.get(), part.data(), part.size());
    if (got < 0 && errno != EINTR) return failure();
    if (got == 0) return text;
    if (got > 0) text.append(part.data(), static_cast<std::size_t>(got));
  }
  return refuse(fmt::format("cannot be read: it is larger than {} bytes", kMaxApiKeyFileBytes));
}

Result<bool> change_api_key_file(const std::string& path, const ApiKeyFileChange& change) {
  std::error_code unknown;
  fs::path target = fs::weakly_canonical(path, unknown);  // where a link points: it stays
  if (unknown) target = path;
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const auto lock = lock_folder(folder);
  if (!lock) return tl::unexpected(lock.error());
  const auto old = read_api_key_file(target);
  if (!old) return fail(old.error().code, fmt::format("{}: {}", path, old.error().detail));
  const auto text = change(*old);
  if (!text) return tl::unexpected(text.error());
  if (text->size() > kMaxApiKeyFileBytes) {
    return refuse(fmt::format("{}: is full: {} bytes", path, kMaxApiKeyFileBytes));
  }
  return replace(target, *text, lock->get());
}

}  // namespace sluice::identity
