// The table of folders in design.md section 4, enforced: who may include what, one home for each
// vendor header, and the size of files and functions.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

namespace fs = std::filesystem;

const fs::path kApp = fs::path(SLUICE_SOURCE_DIR) / "fcgi-app";
constexpr std::size_t kMaxFileLines = 300;
constexpr std::size_t kMaxFunctionLines = 70;

using Names = std::set<std::string>;

// Folder -> what it may include besides itself and base. A name with a dot is a single header.
// Files of the root stand under their own stem.
const std::map<std::string, Names> kMayInclude{
    {"base", {}},
    {"limits", {}},
    {"loop", {}},
    {"telemetry", {}},
    {"store", {"limits", "loop", "telemetry"}},
    {"http", {"limits"}},
    {"identity", {"http"}},
    {"fcgi", {"http", "loop", "telemetry"}},
    {"limiter", {"limits", "store/store.h", "identity/identity.h", "telemetry"}},
    {"handlers", {"http", "identity", "limits", "store/store.h", "telemetry"}},
    {"config", {"fcgi", "http", "identity", "limiter", "limits", "loop", "store", "telemetry"}},
    {"routes", {"handlers", "http", "identity", "limiter", "limits"}},
    {"serve", {"handlers", "http", "identity", "limiter", "limits", "routes.h"}},
};

// Vendor header -> the folder (or file stem) that alone may include it.
const std::map<std::string, std::string> kHomes{
    {"fcgiapp.h", "fcgi/"},
    {"fcgios.h", "fcgi/"},
    {"hiredis.h", "store/redis/"},
    {"openssl/ssl.h", "store/redis/"},
    {"openssl/err.h", "store/redis/"},
    {"openssl/x509v3.h", "store/redis/"},
    {"libpq-fe.h", "store/postgres/"},
    {"jansson.h", "http/json"},
    {"libconfig.h++", "config/"},
    {"sodium.h", "identity/"},
    {"uv.h", "loop/"},
    {"CLI/CLI.hpp", "main"},
};

struct SourceFile {
  std::string path;  // relative to fcgi-app
  std::vector<std::string> lines;
};

std::vector<SourceFile> read_sources(const fs::path& folder) {
  std::vector<SourceFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp" && extension != ".lua") continue;
    SourceFile file{fs::relative(entry.path(), folder).string(), {}};
    std::ifstream stream(entry.path());
    for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
    files.push_back(std::move(file));
  }
  return files;
}

const std::vector<SourceFile>& sources() {
  static const std::vector<SourceFile> found = read_sources(kApp);
  return found;
}

const std::vector<SourceFile>& test_sources() {
  static const std::vector<SourceFile> found = read_sources(fs::path(SLUICE_SOURCE_DIR) / "tests");
  return found;
}

// "store" of "store/redis/wire.h", "serve" of "serve.cpp".
std::string layer_of(const std::string& path) {
  const std::size_t slash = path.find('/');
  return slash == std::string::npos ? fs::path(path).stem().string() : path.substr(0, slash);
}

// The header that a line includes, with its quote or bracket; empty for other lines.
std::string included(const std::string& line) {
  static const std::regex pattern(R"(^\s*#\s*include\s+(["<][^">]+)[">])");
  std::smatch match;
  return std::regex_search(line, match, pattern) ? match[1].str() : "";
}

bool allowed(const std::string& layer, const std::string& header) {
  static const Names anything{"app", "main", "key_command", "operator", "storage", "whose"};
  if (anything.contains(layer) || header == "version.h") return true;
  const auto found = kMayInclude.find(layer);
  if (found == kMayInclude.end()) return false;
  const std::string target = layer_of(header);
  return target == layer || target == "base" || found->second.contains(target) ||
         found->second.contains(header);
}

TEST(LayersTest, SourcesAreFound) {
  EXPECT_GT(sources().size(), 50U);
}

TEST(LayersTest, EveryFolderIncludesOnlyWhatItsLayerMay) {
  for (const SourceFile& file : sources()) {
    for (const std::string& line : file.lines) {
      const std::string header = included(line);
      if (header.empty() || header.front() != '"') continue;
      EXPECT_TRUE(allowed(layer_of(file.path), header.substr(1)))
          << file.path << " includes " << header.substr(1);
    }
  }
}

TEST(LayersTest, EveryVendorHeaderHasOneHome) {
  for (const SourceFile& file : sources()) {
    for (const std::string& line : file.lines) {
      const std::string header = included(line);
      if (header.empty()) continue;
      const auto home = kHomes.find(header.substr(1));
      if (home == kHomes.end()) continue;
      EXPECT_TRUE(file.path.starts_with(home->second)) << file.path << " includes " << header;
    }
  }
}

TEST(LayersTest, NoFileIsTooLong) {
  for (const auto* files : {&sources(), &test_sources()}) {
    for (const SourceFile& file : *files) {
      EXPECT_LE(file.lines.size(), kMaxFileLines) << file.path;
    }
  }
}

// Whether a line in the first column begins something that may be a function.
bool begins_declaration(const std::string& line) {
  static const std::regex other(R"(^(\s|$|[}{#/]|namespace|class|struct|enum|extern "C"))");
  return !std::regex_search(line, other);
}

// As clang-format lays functions out: a declaration in the first column, perhaps wrapped, a line
// that ends in an opening brace, and the closing brace in the first column.
void expect_short_functions(const SourceFile& file) {
  std::size_t start = 0;
  bool opened = false;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (begins_declaration(line)) {
      start = i + 1;
      opened = false;
    }
    opened = opened || line.ends_with("{");
    if (line != "}" || start == 0 || !opened) continue;
    EXPECT_LE(i + 1 - start, kMaxFunctionLines) << file.path << ":" << start;
    start = 0;
  }
}

TEST(LayersTest, NoFunctionIsTooLong) {
  for (const SourceFile& file : sources()) expect_short_functions(file);
  for (const SourceFile& file : test_sources()) expect_short_functions(file);
}

TEST(LayersTest, ServeFitsOnAScreen) {
  const auto& files = sources();
  const auto serve = std::find_if(files.begin(), files.end(),
                                  [](const SourceFile& file) { return file.path == "serve.cpp"; });
  ASSERT_NE(serve, files.end());
  EXPECT_LE(serve->lines.size(), 50U);
}

// g++ 12 destroys the result of a co_await in a conditional expression twice.
TEST(LayersTest, NoCoAwaitStandsInAConditionalExpression) {
  static const std::regex conditional(R"([?:] *co_await)");
  for (const SourceFile& file : sources()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i], conditional)) << file.path << ":" << i + 1;
    }
  }
}

TEST(LayersTest, NoFolderIsADrawer) {
  const Names drawers{"util", "utils", "common", "helpers", "misc", "manager"};
  for (const SourceFile& file : sources()) {
    for (const fs::path& part : fs::path(file.path)) {
      EXPECT_FALSE(drawers.contains(part.stem().string())) << file.path;
    }
  }
}

}  // namespace
}  // namespace sluice
