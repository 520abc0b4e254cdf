#include "limits/rate.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "base/digits.h"
#include "limits/charge.h"

namespace sluice::limits {
namespace {

constexpr std::string_view kSeparators = ";,|";
constexpr std::string_view kExpected =
    "expected a rate such as \"8 per 10 seconds\", \"8/10s\" or \"100/day\"";

// Every word for a unit; the plural adds an s, which parse_unit() takes off.
constexpr std::array<std::pair<std::string_view, Unit>, 19> kUnitWords{
    {{"ms", Unit::kMillisecond},
     {"millisecond", Unit::kMillisecond},
     {"s", Unit::kSecond},
     {"sec", Unit::kSecond},
     {"second", Unit::kSecond},
     {"m", Unit::kMinute},
     {"min", Unit::kMinute},
     {"minute", Unit::kMinute},
     {"h", Unit::kHour},
     {"hr", Unit::kHour},
     {"hour", Unit::kHour},
     {"d", Unit::kDay},
     {"day", Unit::kDay},
     {"w", Unit::kWeek},
     {"week", Unit::kWeek},
     {"mo", Unit::kMonth},
     {"month", Unit::kMonth},
     {"y", Unit::kYear},
     {"year", Unit::kYear}}};

// Reads a text from the left, skipping blanks between its tokens.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool done() {
    skip_blanks();
    return rest_.empty();
  }

  // The digits at the front, or nothing where there are none or too many for 18 places.
  [[nodiscard]] std::optional<std::int64_t> number() {
    const std::string_view digits = run([](unsigned char c) { return std::isdigit(c) != 0; });
    return digits.size() > 18 ? std::nullopt : parse_digits(digits);
  }

  [[nodiscard]] std::string word() {
    std::string word(run([](unsigned char c) { return std::isalpha(c) != 0; }));
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return word;
  }

  [[nodiscard]] bool slash() {
    skip_blanks();
    if (rest_.empty() || rest_.front() != '/') return false;
    rest_.remove_prefix(1);
    return true;
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }

  template <class Predicate>
  std::string_view run(Predicate belongs) {
    skip_blanks();
    std::size_t length = 0;
    while (length < rest_.size() && belongs(static_cast<unsigned char>(rest_[length]))) ++length;
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
  }

  std::string_view rest_;
};

std::optional<Unit> parse_unit(std::string_view word) {
  if (const auto unit = from_name<Unit>(kUnitWords, word)) return unit;
  // "ms" is no plural, and has none.
  if (word.size() > 2 && word.ends_with('s') && !word.ends_with("ss")) {
    return from_name<Unit>(kUnitWords, word.substr(0, word.size() - 1));
  }
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(' '), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

}  // namespace

Result<Rate> parse_rate(std::string_view text) {
  Scanner scanner(text);
  const auto quota = scanner.number();
  if (!quota) return refuse(text, kExpected);
  if (!scanner.slash() && scanner.word() != "per") return refuse(text, kExpected);
  const bool every_one = !scanner.done() && [&] {
    Scanner ahead = scanner;
    return !ahead.number();
  }();
  const auto count = every_one ? std::optional<std::int64_t>(1) : scanner.number();
  const std::string word = scanner.word();
  if (!count || word.empty() || !scanner.done()) return refuse(text, kExpected);
  const auto unit = parse_unit(word);
  if (!unit) {
    return refuse(text, fmt::format("unknown unit \"{}\"; use ms, second, minute, hour, day, week, "
                                    "month or year",
                                    word));
  }
  if (*quota > kMaxQuota) return refuse(text, fmt::format("quota is above {}", kMaxQuota));
  if (*count < 1) return refuse(text, "window is below 1");
  // By division, because the length of a count of any size would overflow.
  if (*count > kMaxWindow / Window{1, *unit}.length()) {
    return refuse(text, "window is above 366 days");
  }
  return Rate{*quota, {*count, *unit}};
}

Result<std::vector<Rate>> parse_rates(std::string_view text) {
  std::vector<Rate> rates;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(kSeparators, start), text.size());
    const std::string_view part = trimmed(text.substr(start, end - start));
    start = end + 1;
    if (part.empty() && text.find_first_of(kSeparators) != std::string_view::npos) {
      return refuse(text, "a rate is missing; write several as in \"100/day; 10/minute\"");
    }
    if (rates.size() == kMaxLimits) {
      return refuse(text, fmt::format("more than {} rates", kMaxLimits));
    }
    const auto rate = parse_rate(part);
    if (!rate) return tl::unexpected(rate.error());
    const bool known = std::any_of(rates.begin(), rates.end(), [&](const Rate& earlier) {
      return earlier.window.length() == rate->window.length();
    });
    if (known) {
      return refuse(text, fmt::format("two rates per {}; keep the lower one", rate->window.text()));
    }
    rates.push_back(*rate);
  }
  return rates;
}

}  // namespace sluice::limits
