// Every store there is, behind one synchronous face for the conformance suite.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "limits/charge.h"
#include "store/store.h"

namespace sluice {

// What one decision asks, with all that it refers to.
struct Asked {
  std::vector<limits::Charge> charges;
  std::vector<limits::Bar> bars;
  std::optional<limits::Mark> mark = std::nullopt;

  Asked(std::vector<limits::Charge> c, std::vector<limits::Bar> b = {})  // NOLINT: mostly charges
      : charges(std::move(c)), bars(std::move(b)) {}
  operator limits::Ask() const {  // NOLINT: that is what it is
    return {charges, bars, mark ? &*mark : nullptr};
  }
  bool has(limits::Move move) const {
    return std::any_of(charges.begin(), charges.end(),
                       [&](const limits::Charge& charge) { return charge.move == move; });
  }
};

class StoreUnderTest {
 public:
  StoreUnderTest() = default;
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;
  virtual ~StoreUnderTest() = default;

  // Takes, and waits for the answer. Fails the test on an error.
  limits::Decision take(const std::vector<limits::Charge>& charges, std::optional<TimePoint> now,
                        const std::vector<limits::Bar>& bars = {}) {
    return take_all({Asked(charges, bars)}, now).front();
  }

  // The same, of a take that may fail.
  Result<limits::Decision> try_take(const std::vector<limits::Charge>& charges, TimePoint now,
                                    const std::vector<limits::Bar>& bars = {}) {
    return std::move(wait_for({Asked(charges, bars)}, now).front());
  }

  // Takes several at once, as the requests of one loop turn do, in their order.
  std::vector<limits::Decision> take_all(const std::vector<Asked>& decisions,
                                         std::optional<TimePoint> now);

  // Everything stored, as "key=bytes in hex", sorted, joined by commas. What has no expiry says so.
  [[nodiscard]] virtual std::string contents() = 0;
  // How long the key will live; 0 where the store has no clock of its own.
  [[nodiscard]] virtual std::chrono::milliseconds lifetime(const std::string& /*key*/) {
    return {};
  }
  // What the mark holds; nothing, too, where the store failed.
  virtual std::optional<std::string> read(const std::string& key) = 0;
  virtual Result<std::int64_t> reset(const std::vector<std::string>& keys) = 0;
  // Keeps these bytes under the key, as somebody else would. Not for the store in memory.
  virtual void put(const std::string& /*key*/, const std::string& /*bytes*/) {}

 protected:
  using Answers = std::vector<Result<limits::Decision>>;
  virtual Answers wait_for(const std::vector<Asked>& decisions, std::optional<TimePoint> now) = 0;
};

// Names for the parameters of the suite.
inline const std::vector<std::string> kStoreNames{"memory", "redis", "shm"};
std::unique_ptr<StoreUnderTest> make_store_under_test(const std::string& name);

}  // namespace sluice
