// Runs a harness over inputs that are there, without libFuzzer: sluice_replay NAME PATH…
//
// ./dev test does so with the seeds, in a build that it has anyway. Whoever looks for new inputs
// runs ./dev fuzz. Exit code 0 when the harness took them all, 2 when there were none.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <sanitizer/common_interface_defs.h>

#include "harnesses.h"

namespace sluice::fuzz {
namespace {

namespace fs = std::filesystem;

std::string present;  // the input that runs

// Whatever ends the process, the input is named.
void name_input() {
  std::fprintf(stderr, "input: %s\n", present.c_str());
}

void on_abort(int /*signal*/) {
  name_input();
}

int replay(const fs::path& path, const Harness& harness) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  present = path.string();
  harness.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return 1;
}

int replay_all(const fs::path& path, const Harness& harness) {
  if (!fs::is_directory(path)) return fs::exists(path) ? replay(path, harness) : 0;
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) count += replay(entry.path(), harness);
  }
  return count;
}

const Harness* find_harness(std::string_view name) {
  for (const Harness& harness : kHarnesses) {
    if (harness.name == name) return &harness;
  }
  return nullptr;
}

}  // namespace
}  // namespace sluice::fuzz

int main(int argc, char** argv) {
  using namespace sluice::fuzz;
  const Harness* const harness = argc > 2 ? find_harness(argv[1]) : nullptr;
  if (!harness) {
    std::fprintf(stderr, "sluice_replay NAME PATH…: NAME is one of tests/fuzz/NAME_fuzz.cpp\n");
    return 2;
  }
  std::signal(SIGABRT, on_abort);
  __sanitizer_set_death_callback(name_input);
  if (harness->initialize) harness->initialize(&argc, &argv);
  int count = 0;
  for (int i = 2; i < argc; ++i) count += replay_all(argv[i], *harness);
  std::printf("%s: %d inputs\n", argv[1], count);
  return count > 0 ? 0 : 2;
}
