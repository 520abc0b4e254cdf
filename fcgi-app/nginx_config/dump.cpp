// Reads what `nginx -T` prints. Each file stands there once, however often it is included.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fnmatch.h>

#include "nginx_config/scanner.h"
#include "nginx_config/tree.h"

namespace sluice::nginx_config {
namespace {

constexpr std::string_view kMark = "# configuration file ";
constexpr std::string_view kGlob = "*?[";

class DumpReader {
 public:
  explicit DumpReader(std::string_view dump) { split(dump); }

  Result<Tree> read(std::string_view name) {
    if (names_.empty()) {
      return fail(ErrorCode::kInvalidConfig,
                  fmt::format("{}: no line is \"# configuration file PATH:\"; give what nginx -T "
                              "prints",
                              name));
    }
    Tree tree{names_, std::make_unique<Directive>()};
    const auto done = read_file(0, *tree.root, 0);
    if (!done) return tl::unexpected(done.error());
    link(*tree.root);
    return tree;
  }

 private:
  // The files of the dump. A line that begins one ends the one before. Of two of one name, which
  // nginx does not print, the first counts.
  void split(std::string_view dump) {
    std::size_t begin = 0;
    std::string_view* text = nullptr;
    for (std::size_t at = 0; at < dump.size();) {
      const std::size_t end = std::min(dump.find('\n', at), dump.size());
      const std::string_view line = dump.substr(at, end - at);
      if (line.starts_with(kMark) && line.ends_with(':') && line.size() > kMark.size() + 1) {
        if (text) *text = dump.substr(begin, at - begin);
        begin = std::min(end + 1, dump.size());
        text = begin_file(line.substr(kMark.size(), line.size() - kMark.size() - 1));
      }
      at = end + 1;
    }
    if (text) *text = dump.substr(begin);
  }

  // Where its text belongs; nullptr if there is one of this name.
  std::string_view* begin_file(std::string_view name) {
    if (!files_.emplace(name, names_.size()).second) return nullptr;
    names_.emplace_back(name);
    return &texts_.emplace_back();
  }

  Result<void> refuse_at(config::Place place, std::string_view what) const {
    return fail(ErrorCode::kInvalidConfig,
                fmt::format("{}:{}: {}", names_[place.file], place.line, what));
  }

  Result<void> read_file(std::size_t file, Directive& into, std::size_t depth) {
    Scanner scanner(texts_[file]);
    auto closed = read_block(scanner, file, into, depth);
    if (!closed) return tl::unexpected(closed.error());
    if (*closed) return refuse_at({file, scanner.line()}, "closes a block that it has not opened");
    return {};
  }

  // Up to the end of the block, or of the file; yields which: whether a brace closed it.
  Result<bool> read_block(Scanner& scanner, std::size_t file, Directive& into, std::size_t depth) {
    for (;;) {
      auto statement = scanner.next();
      const config::Place place{file, statement ? statement->line : scanner.line()};
      if (!statement) return said(refuse_at(place, statement.error().detail));
      if (statement->end == Statement::End::kFile) return false;
      if (statement->end == Statement::End::kClose) return true;
      if (++statements_ > kMaxStatements || depth > kMaxDepth) {
        return said(refuse_at(place, "the config is too large, or includes itself"));
      }
      auto done = add(std::move(*statement), scanner, place, Level{into, depth});
      if (!done) return said(std::move(done));
    }
  }

  struct Level {
    Directive& into;
    std::size_t depth;
  };

  static tl::unexpected<Error> said(Result<void> refusal) {
    return tl::unexpected(std::move(refusal.error()));
  }

  Result<void> add(Statement statement, Scanner& scanner, config::Place place, Level level) {
    const bool has_block = statement.end == Statement::End::kOpen;
    Directive directive{.name = statement.words.front(), .place = place};
    directive.arguments.assign(statement.words.begin() + 1, statement.words.end());
    if (directive.name == "include" && directive.arguments.size() == 1 && !has_block) {
      return include(directive, level);
    }
    if (has_block) {
      const auto closed = read_block(scanner, place.file, directive, level.depth + 1);
      if (!closed) return tl::unexpected(closed.error());
      if (!*closed) return refuse_at(place, "no brace closes this block");
    }
    if (directive.name == "geo") directive.block = {};
    level.into.block.push_back(std::move(directive));
    return {};
  }

  // A name is looked up in the folder of nginx.conf. A pattern may match nothing.
  Result<void> include(const Directive& directive, Level level) {
    std::string wanted = directive.arguments.front();
    if (!wanted.starts_with('/')) {
      wanted = names_.front().substr(0, names_.front().rfind('/') + 1) + wanted;
    }
    if (wanted.find_first_of(kGlob) == std::string::npos) {
      const auto found = files_.find(wanted);
      if (found != files_.end()) return read_file(found->second, level.into, level.depth + 1);
      if (level.into.name == "geo") return {};  // nginx prints no binary file
      return refuse_at(directive.place, fmt::format("includes {}, which is not in what nginx -T "
                                                    "printed",
                                                    wanted));
    }
    for (const auto& [name, file] : files_) {
      if (::fnmatch(wanted.c_str(), name.c_str(), FNM_PATHNAME | FNM_PERIOD) != 0) continue;
      auto done = read_file(file, level.into, level.depth + 1);
      if (!done) return done;
    }
    return {};
  }

  static void link(Directive& parent) {
    for (Directive& directive : parent.block) {
      directive.parent = &parent;
      link(directive);
    }
  }

  std::vector<std::string> names_;
  std::vector<std::string_view> texts_;
  std::map<std::string, std::size_t> files_;
  std::size_t statements_ = 0;
};

}  // namespace

Result<Tree> read_dump(std::string_view dump, std::string_view name) {
  return DumpReader(dump).read(name);
}

}  // namespace sluice::nginx_config
