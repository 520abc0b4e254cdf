// How much a test tries: ./dev test is short, ./dev test full takes the whole set.
#pragma once

#include <cstdlib>

namespace sluice {

// Whether SLUICE_TEST_FULL is set, as ./dev test full does.
inline bool is_full_set() {
  return std::getenv("SLUICE_TEST_FULL") != nullptr;
}

}  // namespace sluice
