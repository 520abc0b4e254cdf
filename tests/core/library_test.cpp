// What the core's library is made of, as nm(1) has it: nothing of a host's, and no state.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <link.h>

namespace sluice {
namespace {

struct Symbol {
  std::string name;
  char type = ' ';  // as nm(1): 'U' is asked for
  std::string section;
};

std::string trimmed(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(' '), text.size());
  return std::string(text.substr(first, text.find_last_not_of(" \n") + 1 - first));
}

// name|value|class|type|size|line|section
std::vector<Symbol> read_symbols(const std::string& of_what) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nm(
      ::popen(("nm --format=sysv " + of_what).c_str(), "r"), &::pclose);
  std::vector<Symbol> symbols;
  std::array<char, 8192> line{};
  while (nm && std::fgets(line.data(), line.size(), nm.get())) {
    std::vector<std::string> columns;
    std::istringstream text(line.data());
    for (std::string column; std::getline(text, column, '|');) columns.push_back(trimmed(column));
    if (columns.size() != 7 || columns[2].size() != 1) continue;
    symbols.push_back({columns[0], columns[2].front(), columns[6]});
  }
  return symbols;
}

const std::vector<Symbol>& symbols() {
  static const std::vector<Symbol> found = read_symbols("'" SLUICE_CORE_LIBRARY "'");
  return found;
}

bool starts_with_any(std::string_view text, const std::vector<std::string_view>& heads) {
  return std::any_of(heads.begin(), heads.end(),
                     [&](std::string_view head) { return text.starts_with(head); });
}

TEST(CoreLibraryTest, SymbolsAreFound) {
  EXPECT_GT(symbols().size(), 1000U);
}

// Of libuv, and of libfcgi with the layer of its own that it calls an operating system.
TEST(CoreLibraryTest, ItAsksForNothingOfAHost) {
  for (const Symbol& symbol : symbols()) {
    EXPECT_FALSE(starts_with_any(symbol.name, {"uv_", "FCGX_", "FCGI", "OS_"})) << symbol.name;
  }
}

TEST(CoreLibraryTest, OfOursItLacksTheLoopAlone) {
  std::set<std::string> defined;
  for (const Symbol& symbol : symbols()) {
    if (symbol.type != 'U') defined.insert(symbol.name);
  }
  bool lacks_loop = false;
  for (const Symbol& symbol : symbols()) {
    if (defined.contains(symbol.name) || symbol.name.find("6sluice") == std::string::npos) continue;
    const bool is_loop = starts_with_any(symbol.name, {"_ZN6sluice4loop", "_ZNK6sluice4loop"});
    EXPECT_TRUE(is_loop) << symbol.name;
    lacks_loop = true;
  }
  EXPECT_TRUE(lacks_loop);
}

// .data.rel.ro is written once, by the dynamic linker: constants that hold an address.
bool is_writable(std::string_view section) {
  return starts_with_any(section, {".data", ".bss", ".tdata", ".tbss"}) &&
         !section.starts_with(".data.rel.ro");
}

TEST(CoreLibraryTest, ItHasNoGlobalState) {
  const std::vector<std::string_view> no_state{
      "DW.ref.",      // an address that exceptions need; the dynamic linker writes it
      "__odr_asan.",  // AddressSanitizer's
      // libstdc++'s frame of the coroutine that does nothing
      "_ZNSt7__n486116coroutine_handleINS_22noop_coroutine_promiseEE5_S_frE",
      // memory that is not in use, of each thread (base/recycled.h)
      "_ZN6sluice12_GLOBAL__N_17shelvesE",
      // fmt's classic locale, for the times in the log, and its guard; set once
      "_ZZN3fmt2v96detail18get_classic_localeEvE6locale",
      "_ZGVZN3fmt2v96detail18get_classic_localeEvE6locale",
  };
  for (const Symbol& symbol : symbols()) {
    const bool is_state = is_writable(symbol.section) && !starts_with_any(symbol.name, no_state);
    EXPECT_FALSE(is_state) << symbol.name << " in " << symbol.section;
  }
}

TEST(CoreLibraryTest, AModuleOfItShowsNothingOfItself) {
  const auto shown = read_symbols("--dynamic '" SLUICE_CORE_MODULE "'");
  EXPECT_GT(shown.size(), 100U);
  for (const Symbol& symbol : shown) {
    const bool is_ours = symbol.name.find("6sluice") != std::string::npos;
    EXPECT_FALSE(is_ours && !symbol.name.starts_with("__odr_asan.")) << symbol.name;
  }
}

// This program has decided a lot (decisions_test.cpp).
TEST(CoreLibraryTest, ThisProgramHasLoadedNothingOfAHost) {
  std::vector<std::string> loaded;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t /*size*/, void* names) {
        static_cast<std::vector<std::string>*>(names)->emplace_back(info->dlpi_name);
        return 0;
      },
      &loaded);
  EXPECT_GT(loaded.size(), 5U);
  for (const std::string& name : loaded) {
    for (const char* host : {"libuv", "libfcgi", "libconfig++", "libjemalloc"}) {
      EXPECT_EQ(name.find(host), std::string::npos) << name;
    }
  }
}

}  // namespace
}  // namespace sluice
