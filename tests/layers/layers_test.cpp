// The table of folders in design.md section 4, enforced: who may include what, one home for each
// vendor header, and the size of files and functions.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "layers/outline.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

const fs::path kApp = fs::path(SLUICE_SOURCE_DIR) / "fcgi-app";
constexpr std::size_t kMaxFileLines = 300;
constexpr std::size_t kMaxFunctionLines = 70;
constexpr std::size_t kMaxDepth = 3;  // of blocks in a function

using Names = std::set<std::string>;

// Folder -> what it may include besides itself and base. A name with a dot is a single header.
// Files of the root stand under their own stem.
const std::map<std::string, Names> kMayInclude{
    {"base", {}},
    {"limits", {}},
    {"loop", {}},
    {"loop/uv", {"loop"}},
    {"shm", {}},
    {"telemetry",
     {"identity/address/client_ip.h", "identity/credentials/fingerprint.h", "identity/identity.h",
      "limits"}},
    {"redis", {"loop", "telemetry"}},
    {"store", {"limits", "loop", "redis", "shm", "telemetry"}},
    {"http", {"limits"}},
    {"identity", {"http"}},
    {"fcgi", {"http", "loop", "telemetry"}},
    {"limiter",
     {"identity/address/client_ip.h", "identity/identity.h", "limits", "store/store.h",
      "telemetry"}},
    {"policy", {"http", "identity", "limiter", "limits", "shm", "store/store.h", "telemetry"}},
    {"handlers", {"http", "identity", "limiter", "limits", "policy", "store/store.h", "telemetry"}},
    {"config",
     {"fcgi", "http", "identity", "limiter", "limits", "policy/options.h", "policy/route_table.h",
      "redis", "store", "telemetry"}},
    {"nginx_config", {"config/document/report.h"}},
    {"doctor", {"config/document/report.h", "nginx_config"}},
    {"engine",
     {"config", "handlers", "http", "identity", "limiter", "loop", "policy", "routes.h", "answer.h",
      "shm", "store", "telemetry"}},
    {"routes", {"handlers", "http", "identity", "limits", "policy"}},
    {"serve", {"handlers", "http", "identity", "limits", "policy", "routes.h", "telemetry"}},
    {"answer", {"handlers", "http", "policy", "serve.h"}},
};

// The folders of sluice_core, which knows no host; of loop/ the header alone.
const Names kCore{"base",   "http",  "identity", "limiter", "limits",   "loop",
                  "policy", "redis", "shm",      "store",   "telemetry"};

// Vendor header -> the folders (or file stems) that alone may include it.
const std::map<std::string, Names> kHomes{
    {"fcgiapp.h", {"fcgi/"}},       {"fcgios.h", {"fcgi/"}},
    {"hiredis.h", {"redis/"}},      {"openssl/ssl.h", {"redis/"}},
    {"openssl/err.h", {"redis/"}},  {"openssl/x509v3.h", {"redis/"}},
    {"libpq-fe.h", {"postgres/"}},  {"jansson.h", {"http/json"}},
    {"libconfig.h++", {"config/"}}, {"sodium.h", {"identity/"}},
    {"uv.h", {"loop/uv/"}},         {"CLI/CLI.hpp", {"commands/", "main"}},
};

struct SourceFile {
  std::string path;  // relative to fcgi-app
  std::vector<std::string> lines;
};

std::vector<SourceFile> read_sources(const fs::path& folder) {
  std::vector<SourceFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp" && extension != ".c" && extension != ".lua")
      continue;
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

const std::vector<SourceFile>& module_sources() {
  static const std::vector<SourceFile> found =
      read_sources(fs::path(SLUICE_SOURCE_DIR) / "nginx/module");
  return found;
}

// "store" of "store/redis/wire.h", "serve" of "serve.cpp". loop/uv is apart from loop, whose header
// others implement too.
std::string layer_of(const std::string& path) {
  if (path.starts_with("loop/uv/")) return "loop/uv";
  const std::size_t slash = path.find('/');
  return slash == std::string::npos ? fs::path(path).stem().string() : path.substr(0, slash);
}

// The header that a line includes, with its quote or bracket; empty for other lines.
std::string included(std::string_view line) {
  const auto skip_blanks = [&] {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  };
  for (const std::string_view word : {"#", "include"}) {
    skip_blanks();
    if (!line.starts_with(word)) return "";
    line.remove_prefix(word.size());
  }
  skip_blanks();
  if (!line.starts_with('"') && !line.starts_with('<')) return "";
  return std::string(line.substr(0, line.find_first_of("\">", 1)));
}

bool allowed(const std::string& layer, const std::string& header) {
  static const Names anything{"app", "commands", "main"};
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

// A host's vendor headers have their homes elsewhere.
TEST(LayersTest, TheCoreIncludesNothingOfAHost) {
  for (const SourceFile& file : sources()) {
    if (!kCore.contains(layer_of(file.path))) continue;
    for (const std::string& line : file.lines) {
      const std::string header = included(line);
      if (header.empty() || header.front() != '"') continue;
      EXPECT_TRUE(kCore.contains(layer_of(header.substr(1))))
          << file.path << " includes " << header;
    }
  }
}

// What a line throws, if it begins a statement that does; a word of a text or a comment does not.
std::string thrown(std::string_view line) {
  constexpr std::string_view kWord = "throw ";
  const std::size_t at = line.substr(0, line.find("//")).find(kWord);
  if (at == std::string_view::npos) return "";
  const std::size_t before = line.substr(0, at).find_last_not_of(' ');
  const bool begins = before == std::string_view::npos ||
                      std::string_view("){;:?").find(line[before]) != std::string_view::npos;
  return begins ? std::string(line.substr(at + kWord.size())) : "";
}

TEST(LayersTest, TheCoreThrowsNothingWhileThereIsMemory) {
  for (const SourceFile& file : sources()) {
    if (!kCore.contains(layer_of(file.path))) continue;
    for (const std::string& line : file.lines) {
      const std::string what = thrown(line);
      EXPECT_TRUE(what.empty() || what.starts_with("std::bad_alloc()"))
          << file.path << ": " << line;
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
      const bool is_home = std::any_of(home->second.begin(), home->second.end(),
                                       [&](const auto& at) { return file.path.starts_with(at); });
      EXPECT_TRUE(is_home) << file.path << " includes " << header;
    }
  }
}

TEST(LayersTest, NginxIsIncludedByItsModuleAlone) {
  for (const auto* files : {&sources(), &test_sources()}) {
    for (const SourceFile& file : *files) {
      for (const std::string& line : file.lines) {
        const std::string header = included(line);
        EXPECT_FALSE(header.starts_with("<ngx_") || header.starts_with("\"nginx/"))
            << file.path << " includes " << header;
      }
    }
  }
}

TEST(LayersTest, NoFileIsTooLong) {
  for (const auto* files : {&sources(), &module_sources(), &test_sources()}) {
    for (const SourceFile& file : *files) {
      EXPECT_LE(file.lines.size(), kMaxFileLines) << file.path;
    }
  }
}

std::vector<layers::Function> functions_of(const SourceFile& file) {
  std::string text;
  for (const std::string& line : file.lines) text.append(line).append("\n");
  return file.path.ends_with(".lua") ? layers::lua_functions(text) : layers::cpp_functions(text);
}

TEST(LayersTest, NoFunctionIsTooLongOrTooDeep) {
  std::size_t seen = 0;
  for (const auto* files : {&sources(), &module_sources(), &test_sources()}) {
    for (const SourceFile& file : *files) {
      for (const layers::Function& function : functions_of(file)) {
        ++seen;
        EXPECT_LE(function.lines(), kMaxFunctionLines) << file.path << ":" << function.first_line;
        EXPECT_LE(function.depth, kMaxDepth) << file.path << ":" << function.first_line;
      }
    }
  }
  EXPECT_GT(seen, 1000U);
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
  for (const SourceFile& file : sources()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string_view line = file.lines[i];
      const std::size_t found = line.find("co_await");
      const std::size_t before = line.find_last_not_of(' ', found - 1);
      if (found == std::string_view::npos || found == 0 || before == std::string_view::npos)
        continue;
      EXPECT_TRUE(line[before] != '?' && line[before] != ':') << file.path << ":" << i + 1;
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
