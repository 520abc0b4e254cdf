// The file of secrets: every line is one, blank, a comment, or what the error names.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/character.h"
#include "fuzz/harness.h"
#include "identity/credentials/secret.h"

namespace sluice::identity {
namespace {

using fuzz::require;

bool is_secret(std::string_view line) {
  return line.size() == 64 &&
         line.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

// What parse_secrets() says, in other words: the secrets, or the line that is none.
struct Reading {
  std::vector<std::string_view> secrets;
  int bad_line = 0;  // 0: none
  std::string_view bad_text = {};
};

Reading read(std::string_view text) {
  Reading reading;
  fuzz::Input input(without_byte_order_mark(text));
  for (int number = 1; !input.empty(); ++number) {
    std::string_view line = input.line();
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    if (is_secret(line)) {
      reading.secrets.push_back(line);
    } else {
      reading.bad_line = number;
      reading.bad_text = line;
      return reading;
    }
  }
  return reading;
}

void check(std::string_view text) {
  const auto secrets = parse_secrets(text);
  const Reading expected = read(text);
  if (!secrets) {
    const std::string detail =
        expected.bad_line != 0
            ? fmt::format("{}: {}", expected.bad_line,
                          unseen_in(expected.bad_text).value_or("a secret is 64 hex digits"))
            : "1: no secret";
    require(expected.bad_line != 0 || expected.secrets.empty(), "good lines are read", text);
    require(secrets.error().detail == detail, "an error names the line, and says no more",
            secrets.error().detail);
    return;
  }
  require(expected.bad_line == 0, "no bad line is passed over", text);
  require(secrets->size() == expected.secrets.size(), "each line is a secret", text);
  std::string written;
  for (const Secret& secret : *secrets) written += fmt::format("{:02x}\n", fmt::join(secret, ""));
  const auto again = parse_secrets(written);
  require(again.has_value() && *again == *secrets, "secrets written again are the same", written);
}

}  // namespace
}  // namespace sluice::identity

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const sluice::fuzz::Exact text(sluice::fuzz::Input(data, size).rest());
  sluice::identity::check(text.view());
  return 0;
}
