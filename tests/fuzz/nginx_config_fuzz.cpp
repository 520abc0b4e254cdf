// What nginx -T prints: any text is a tree that is sound, or an error that says where.
#include "doctor/doctor.h"
#include "fuzz/harness.h"
#include "nginx_config/tree.h"

namespace sluice::nginx_config {
namespace {

using fuzz::require;

constexpr std::size_t kManyDirectives = 2'000;  // the checks look through them again and again

void expect_sound(const Tree& tree, const Directives& all) {
  for (const Directive* one : all) {
    require(one->place.file < tree.files.size() && one->place.line > 0, "it has a place");
    require(around(*one, one->name) == one && one->parent, "it has a parent");
  }
}

void check(std::string_view dump) {
  const auto tree = read_dump(dump, "dump");
  if (!tree) {
    require(tree.error().code == ErrorCode::kInvalidConfig, "an error is of the config", dump);
    require(tree.error().detail.find(": ") != std::string::npos, "an error says where", dump);
    return;
  }
  const Directives all = all_of(*tree->root);
  expect_sound(*tree, all);
  if (all.size() > kManyDirectives) return;
  config::Report report;
  doctor::examine(doctor::Site(*tree, doctor::Known{{"items"}, true}), *tree, report);
}

}  // namespace
}  // namespace sluice::nginx_config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sluice::fuzz::Exact text(sluice::fuzz::Input(data, size).rest());
  sluice::nginx_config::check(text.view());
  return 0;
}
