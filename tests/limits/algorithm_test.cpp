#include "limits/algorithm.h"

#include <gtest/gtest.h>

namespace sluice::limits {
namespace {}  // namespace
}  // namespace sluice::limits
