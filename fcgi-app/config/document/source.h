// The text of a config, with the files that it includes in their places.
//
// libconfig 1.5 would read them itself; but it stumbles over a byte order mark, ends the process
// when it is told to include a folder, and what it reads need not be what was checked.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/report.h"

namespace sluice::config {

// The largest file of a config, and the most bytes after which no more is included.
inline constexpr std::size_t kMaxFileBytes = 1'048'576;
inline constexpr std::size_t kMaxSourceBytes = 16 * kMaxFileBytes;
// How deep a file may stand in files that include it, as libconfig has it.
inline constexpr std::size_t kMaxIncludeDepth = 10;

class Source {
 public:
  // Reads `path` and all that it includes (relative to `folder`), and complains in `report` of what
  // is wrong with the text (scanner.h). Nothing if libconfig must not read it.
  [[nodiscard]] static std::optional<Source> read(const std::string& path,
                                                  const std::filesystem::path& folder,
                                                  Report& report);

  [[nodiscard]] const std::string& text() const { return text_; }
  // Where line `line` of the text, from 1, stands in its file.
  [[nodiscard]] Place place(unsigned line) const;

 private:
  class Reader;

  // The lines from `line` on are those of a file from `place` on, up to the next run.
  struct Run {
    unsigned line = 0;
    Place place;
  };

  void append(std::string_view text);
  // What is appended next, on a line of its own, stands at `place`.
  void begin_at(Place place);

  std::string text_;
  unsigned line_ = 1;  // that the text ends in
  std::vector<Run> runs_;
};

}  // namespace sluice::config
