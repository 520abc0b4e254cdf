// All that is wrong with a config, collected while it is read.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

// A line of a file. Files have numbers in the order in which they are read. Line 0 is the whole
// file.
struct Place {
  std::size_t file = 0;
  unsigned line = 0;
  auto operator<=>(const Place&) const = default;  // NOLINT(modernize-use-nullptr): of the default
};

class Report {
 public:
  // The number of the file that messages call `shown`. The same name has the same number.
  std::size_t add_file(std::string_view shown);
  [[nodiscard]] std::string text(Place place) const;  // "tenants.cfg:12"

  // The same message about the same place is kept once.
  void complain(Place place, std::string message);
  [[nodiscard]] bool blames(Place place) const { return complaints_.contains(place); }
  [[nodiscard]] bool empty() const { return complaints_.empty(); }
  // Notes what may be intended, but is worth a look. It is no complaint.
  void warn(Place place, std::string message);
  // The complaints: one `file:line: message` per line, in the order of the files. Characters that
  // cannot be seen are written as \x1b or \u200b.
  [[nodiscard]] std::string text() const;
  // The warnings, in the same way: `file:line: warning: message`.
  [[nodiscard]] std::string warnings() const;

 private:
  using Messages = std::map<Place, std::vector<std::string>>;

  static void add(Messages& messages, Place place, std::string message);
  [[nodiscard]] std::string lines(const Messages& messages, std::string_view kind) const;

  std::vector<std::string> files_;
  Messages complaints_;
  Messages warnings_;
};

}  // namespace sluice::config
