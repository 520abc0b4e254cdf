#include "config/document/source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/character.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/document/scanner.h"

namespace sluice::config {

namespace fs = std::filesystem;

namespace {

Result<std::string> read_text(const fs::path& path) {
  const auto failure = [] { return fail(ErrorCode::kSystem, std::strerror(errno)); };
  // Non-blocking: else opening a FIFO waits for a writer.
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

// The path without links and dots, as far as its files exist.
fs::path identity(const fs::path& path) {
  std::error_code failure;
  const fs::path canonical = fs::weakly_canonical(path, failure);
  return failure ? path : canonical;
}

}  // namespace

// Puts a config together, file by file.
class Source::Reader {
 public:
  Reader(Source& source, fs::path folder, Report& report)
      : source_(source), folder_(std::move(folder)), report_(report) {}

  // Appends a file with all that it includes; false if libconfig must not read it. `origin`: where
  // to complain if the file cannot be read.
  [[nodiscard]] bool read(const fs::path& path, const std::string& shown, Place origin) {
    const auto whole = read_text(path);
    if (!whole) {
      const std::string_view what = origin.line == 0 ? "cannot be read" : "cannot include ";
      const std::string subject = origin.line == 0 ? "" : path.string();
      report_.complain(origin, fmt::format("{}{}: {}", what, subject, whole.error().detail));
      return false;
    }
    const std::string_view text = without_byte_order_mark(*whole);
    const Place begin{report_.add_file(shown), 1};
    Scanner scanner(text, begin.file, report_);
    bool sound = scanner.scan();
    open_.push_back(identity(path));
    source_.begin_at(begin);
    std::size_t done = 0;
    for (const Include& include : scanner.includes()) {
      const Place here{begin.file, include.line};
      source_.append(text.substr(done, include.begin - done));
      done = include.end;
      sound = read(include, here) && sound;
      source_.begin_at(here);
    }
    open_.pop_back();
    source_.append(text.substr(done));
    return sound;
  }

 private:
  [[nodiscard]] bool read(const Include& include, Place origin) {
    const auto refuse = [&](std::string_view why) {
      report_.complain(origin, fmt::format("{} {}", include.name, why));
      return false;
    };
    // An absolute name is looked up in the folder too, as libconfig does.
    const fs::path path = folder_ / fs::path(include.name).relative_path();
    if (std::find(open_.begin(), open_.end(), identity(path)) != open_.end()) {
      return refuse("includes itself");
    }
    if (open_.size() > kMaxIncludeDepth) {
      report_.complain(origin, "includes are nested too deep");
      return false;
    }
    if (source_.text_.size() > kMaxSourceBytes) {
      return refuse(fmt::format("makes the config larger than {} bytes", kMaxSourceBytes));
    }
    return read(path, include.name, origin);
  }

  Source& source_;
  fs::path folder_;
  Report& report_;
  std::vector<fs::path> open_;  // the present file and those that include it, canonical
};

std::optional<Source> Source::read(const std::string& path, const fs::path& folder,
                                   Report& report) {
  Source source;
  if (!Reader(source, folder, report).read(path, path, {report.add_file(path), 0})) {
    return std::nullopt;
  }
  return source;
}

Source Source::of(std::string_view text, Place place) {
  Source source;
  source.begin_at(place);
  source.append(text);
  return source;
}

Place Source::place(unsigned line) const {
  line = std::max(line, 1U);  // the settings as a whole have none
  const auto after =
      std::upper_bound(runs_.begin(), runs_.end(), line,
                       [](unsigned wanted, const Run& run) { return wanted < run.line; });
  const Run& run = *std::prev(after);
  return {run.place.file, run.place.line + (line - run.line)};
}

void Source::append(std::string_view text) {
  line_ += static_cast<unsigned>(std::count(text.begin(), text.end(), '\n'));
  text_ += text;
}

void Source::begin_at(Place place) {
  if (!text_.empty() && text_.back() != '\n') append("\n");
  runs_.push_back({line_, place});
}

}  // namespace sluice::config
