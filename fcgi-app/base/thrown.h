// What the exception says that a catch (...) has caught.
#pragma once

#include <exception>
#include <string_view>

namespace sluice {

// It lives until the handler ends. REQUIRES: to be called in one.
[[nodiscard]] inline std::string_view thrown() noexcept {
  try {
    throw;
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception of no known type";
  }
}

}  // namespace sluice
