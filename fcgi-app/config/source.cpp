#include "config/source.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_text(const fs::path& path) {
  const auto failure = [] { return fail(ErrorCode::kSystem, std::strerror(errno)); };
  // Non-blocking, or a FIFO would wait here for its writer.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return failure();
  if (S_ISDIR(status.st_mode)) return fail(ErrorCode::kSystem, "it is a folder");
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kSystem, "it is not a regular file");
  std::string text;
  std::array<char, 16384> chunk;  // NOLINT(*-member-init): filled by read
  while (text.size() <= kMaxFileBytes) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno != EINTR) return failure();
    if (got == 0) break;
    if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  if (text.size() > kMaxFileBytes) {
    return fail(ErrorCode::kSystem, fmt::format("it is larger than {} bytes", kMaxFileBytes));
  }
  return text;
}

// Whether `c` may stand in a name or a number.
bool belongs_to_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-+._*").find(c) != std::string_view::npos;
}

// The path without its links and dots, as far as there are such files.
fs::path identity(const fs::path& path) {
  std::error_code failure;
  const fs::path canonical = fs::weakly_canonical(path, failure);
  return failure ? path : canonical;
}

struct Include {
  std::string name;  // as written
  unsigned line;
};

// Walks the tokens of one file as libconfig's scanner.l does.
class Scanner {
 public:
  Scanner(std::string_view text, std::size_t file, Report& report)
      : rest_(text), file_(file), report_(report) {}

  void scan() {
    if (const std::size_t nul = rest_.find('\0'); nul != std::string_view::npos) {
      take(nul);
      return refuse("NUL byte; a config is text");
    }
    while (!rest_.empty()) token();
  }

  [[nodiscard]] bool sound() const { return sound_; }
  [[nodiscard]] const std::vector<Include>& includes() const { return includes_; }

 private:
  void token() {
    const char c = rest_.front();
    if (c == '#' || rest_.starts_with("//")) return line_comment();
    if (rest_.starts_with("/*")) return block_comment();
    if (c == '"') return static_cast<void>(string());
    if (c == '@') return include();
    if (belongs_to_word(c)) return word();
    take(1);
  }

  void line_comment() {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) refuse("comment without a newline at the end of the file");
    take(end);
  }

  void block_comment() {
    const std::size_t end = rest_.find("*/", 2);
    if (end == std::string_view::npos) {
      refuse("comment is never closed; add */");
      return take(end);
    }
    take(end + 2);
  }

  // The string at the front as it is written, without its quotes. libconfig lets it run over many
  // lines; no value needs that, and refusing it finds the line of a forgotten quote.
  std::string_view string() {
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"' && rest_[end] != '\n') {
      if (rest_.substr(end).starts_with("\\x00") || rest_.substr(end).starts_with("\\X00")) {
        refuse("\\x00 in a string");
      }
      const bool escape = rest_[end] == '\\' && end + 1 < rest_.size() && rest_[end + 1] != '\n';
      end += escape ? 2 : 1;
    }
    const std::string_view content = rest_.substr(1, end - 1);
    if (end >= rest_.size() || rest_[end] == '\n') {
      refuse("string is not closed on its line; add \"");
      take(end);
    } else {
      take(end + 1);
    }
    return content;
  }

  // libconfig knows @include at the start of a line only; elsewhere it is its syntax error.
  void include() {
    constexpr std::string_view kDirective = "@include";
    const unsigned line = line_;
    if (!at_line_start_ || !rest_.starts_with(kDirective)) return take(1);
    take(kDirective.size());
    take(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    if (rest_.starts_with('"')) includes_.push_back({std::string(string()), line});
  }

  // A name or a number.
  void word() {
    std::size_t size = 1;
    while (size < rest_.size() && belongs_to_word(rest_[size])) ++size;
    check_integer(rest_.substr(0, size));
    take(size);
  }

  void check_integer(std::string_view word) {
    std::string_view digits = word.substr(word.starts_with('+') ? 1 : 0);
    const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
    if (hex) digits.remove_prefix(2);
    const bool wide = digits.ends_with('L');
    while (digits.ends_with('L')) digits.remove_suffix(1);
    std::int64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, hex ? 16 : 10);
    if (error == std::errc::invalid_argument || stop != end) return;
    if (error == std::errc::result_out_of_range) {
      complain(fmt::format("integer {} needs more than 64 bits", word));
    } else if (!wide && (value < std::numeric_limits<std::int32_t>::min() ||
                         value > std::numeric_limits<std::int32_t>::max())) {
      complain(fmt::format("integer {} needs more than 32 bits: write {}L", word, word));
    }
  }

  void take(std::size_t count) {
    for (const char c : rest_.substr(0, count)) {
      if (c == '\n') ++line_;
      at_line_start_ = c == '\n' || (at_line_start_ && (c == ' ' || c == '\t'));
    }
    rest_.remove_prefix(std::min(count, rest_.size()));
  }

  void complain(std::string message) { report_.complain({file_, line_}, std::move(message)); }
  void refuse(std::string message) {
    sound_ = false;
    complain(std::move(message));
  }

  std::string_view rest_;
  std::size_t file_;
  Report& report_;
  unsigned line_ = 1;
  bool at_line_start_ = true;
  bool sound_ = true;
  std::vector<Include> includes_;
};

class Sources {
 public:
  Sources(fs::path folder, Report& report) : folder_(std::move(folder)), report_(report) {}

  // `origin`: where to complain if the file cannot be read.
  [[nodiscard]] bool check(const fs::path& path, const std::string& shown, Place origin) {
    const auto text = read_text(path);
    if (!text) {
      const std::string_view what = origin.line == 0 ? "cannot be read" : "cannot include ";
      const std::string subject = origin.line == 0 ? "" : path.string();
      report_.complain(origin, fmt::format("{}{}: {}", what, subject, text.error().detail));
      return false;
    }
    Scanner scanner(*text, report_.add_file(shown), report_);
    scanner.scan();
    open_.push_back(identity(path));
    bool sound = scanner.sound();
    for (const Include& include : scanner.includes()) {
      sound = check(include, {report_.add_file(shown), include.line}) && sound;
    }
    open_.pop_back();
    return sound;
  }

 private:
  [[nodiscard]] bool check(const Include& include, Place origin) {
    // Even an absolute name is looked up in the folder: libconfig does no better.
    const fs::path path = folder_ / fs::path(include.name).relative_path();
    if (std::find(open_.begin(), open_.end(), identity(path)) != open_.end()) {
      report_.complain(origin, fmt::format("{} includes itself", include.name));
      return false;
    }
    const auto known = std::find(checked_.begin(), checked_.end(), path);
    if (known != checked_.end()) return true;
    checked_.push_back(path);
    return check(path, include.name, origin);
  }

  fs::path folder_;
  Report& report_;
  std::vector<fs::path> open_;     // the files around the present one, canonical
  std::vector<fs::path> checked_;  // all included files
};

}  // namespace

bool check_sources(const std::string& path, const std::filesystem::path& folder, Report& report) {
  return Sources(folder, report).check(path, path, {report.add_file(path), 0});
}

}  // namespace sluice::config
