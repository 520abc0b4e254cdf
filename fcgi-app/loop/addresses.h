// What getaddrinfo(3) finds, in the form of loop.h: for those who implement it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <netdb.h>

#include "loop/loop.h"

namespace sluice::loop {

[[nodiscard]] inline std::vector<SocketAddress> addresses_of(const addrinfo* list) {
  std::vector<SocketAddress> found;
  for (; list; list = list->ai_next) {
    const auto* bytes = reinterpret_cast<const char*>(list->ai_addr);
    found.push_back({std::string(bytes, list->ai_addrlen), list->ai_family});
  }
  return found;
}

// Waits for name servers, unless `flags` say that all is numbers. Error: kStoreUnavailable.
[[nodiscard]] inline Result<std::vector<SocketAddress>> look_up(const std::string& host,
                                                                const std::string& service,
                                                                int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list); error != 0) {
    return fail(ErrorCode::kStoreUnavailable, ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> release(list, &::freeaddrinfo);
  return addresses_of(list);
}

inline constexpr int kNumeric = AI_NUMERICHOST | AI_NUMERICSERV;

}  // namespace sluice::loop
