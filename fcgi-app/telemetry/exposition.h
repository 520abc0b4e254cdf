// Writes metrics in the text format of Prometheus, version 0.0.4.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::telemetry {

inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

class Exposition {
 public:
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;

  // Begins a metric, whose samples follow. `type` is counter, gauge or histogram.
  void metric(std::string_view name, std::string_view type, std::string_view help);
  // `suffix` goes behind the metric's name, as in a histogram.
  void sample(Labels labels, std::uint64_t value, std::string_view suffix = "");
  // The same of a number of microseconds, in seconds.
  void sample_seconds(std::uint64_t microseconds, std::string_view suffix);

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void begin_sample(Labels labels, std::string_view suffix);

  std::string name_;
  std::string text_;
};

// Microseconds in seconds, exactly and as short as they can be: "0.0001", "1", "2.5".
[[nodiscard]] std::string seconds_text(std::uint64_t microseconds);

}  // namespace sluice::telemetry
