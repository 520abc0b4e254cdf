// What the files behind gate.h share.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "base/thrown.h"
#include "config/load.h"
#include "identity/credentials/session_token.h"
#include "nginx/module/gate.h"
#include "shm/segment.h"

namespace sluice::nginx {

struct Secrets {
  std::vector<identity::Secret> all;
  bool are_shared;  // with workers; else nobody knows them
};

inline std::string_view view(sluice_text_t text) {
  return {text.data, text.length};
}

inline sluice_text_t text(std::string_view view) {
  return {view.size(), view.data()};
}

inline void tell(sluice_reason_t* why, std::string_view text) {
  const std::size_t size = std::min(text.size(), sizeof(why->text) - 1);
  std::memcpy(static_cast<char*>(why->text), text.data(), size);
  why->text[size] = '\0';
}

// What `make` makes; where it throws, `none`, and `why` says so.
template <class Make>
auto guarded(sluice_reason_t* why, Make make) noexcept -> decltype(make()) {
  try {
    return make();
  } catch (...) {
    tell(why, thrown());
  }
  return nullptr;
}

}  // namespace sluice::nginx

// The name that gate.h gives to C.
// NOLINTNEXTLINE(readability-identifier-naming)
struct sluice_config {
  sluice::config::Loaded loaded;
  sluice::nginx::Secrets secrets;
  std::optional<sluice::shm::Segment> shared = std::nullopt;  // where the master could open it
};
