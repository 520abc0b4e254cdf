// The text of a config, with the files that it includes in their places.
//
// libconfig 1.5 could read files itself. But it fails at a byte order mark, it ends the process
// when it is told to include a folder, and a file could change between our check and its reading.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document/report.h"

namespace sluice::config {

// The largest file of a config, and the size from which on a config may include no more.
inline constexpr std::size_t kMaxFileBytes = 1'048'576;
inline constexpr std::size_t kMaxSourceBytes = 16 * kMaxFileBytes;
// How deep includes may nest: the same as in libconfig.
inline constexpr std::size_t kMaxIncludeDepth = 10;

class Source {
 public:
  // Reads `path` and all that it includes, which is looked up in `folder`. Complains in `report` of
  // what is wrong with the text (scanner.h). Nothing if libconfig must not read the text.
  [[nodiscard]] static std::optional<Source> read(const std::string& path,
                                                  const std::filesystem::path& folder,
                                                  Report& report);

  // A text that is no file of a config, and includes nothing. Its lines begin at `place`. REQUIRES:
  // libconfig may read the text (scanner.h).
  [[nodiscard]] static Source of(std::string_view text, Place place);

  [[nodiscard]] const std::string& text() const { return text_; }
  // Where line `line` of the text, from 1, stands in its file.
  [[nodiscard]] Place place(unsigned line) const;

 private:
  class Reader;

  // The lines from `line` on are those of a file from `place` on, until the next run begins.
  struct Run {
    unsigned line = 0;
    Place place;
  };

  void append(std::string_view text);
  // What is appended next, on a line of its own, stands at `place`.
  void begin_at(Place place);

  std::string text_;
  unsigned line_ = 1;  // the last line of the text
  std::vector<Run> runs_;
};

}  // namespace sluice::config
