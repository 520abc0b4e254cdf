// Every store there is, behind one synchronous face for the conformance suite.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "limits/charge.h"
#include "store/store.h"

namespace sluice {

class StoreUnderTest {
 public:
  StoreUnderTest() = default;
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;
  virtual ~StoreUnderTest() = default;

  // Takes, and waits for the answer. Fails the test on an error.
  limits::Decision take(const std::vector<limits::Charge>& charges, std::optional<TimePoint> now);

  // Everything stored, as text that compares equal when nothing has changed.
  [[nodiscard]] virtual std::string contents() = 0;

 protected:
  virtual Result<limits::Decision> wait_for(std::span<const limits::Charge> charges,
                                            std::optional<TimePoint> now) = 0;
};

// Names for the parameters of the suite.
inline const std::vector<std::string> kStoreNames{"memory", "redis"};
std::unique_ptr<StoreUnderTest> make_store_under_test(const std::string& name);

}  // namespace sluice
