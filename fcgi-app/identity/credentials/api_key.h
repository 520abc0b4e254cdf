// API keys: who shows one that is on the list is that user of that tenant.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "http/request.h"

namespace sluice::identity {

// BLAKE2b-256 of a whole key, "slk_" and all. One fast hash without a salt is enough: a key is 256
// random bits, so unlike a password's, no table and no number of guesses gets from this to a key.
using ApiKeyHash = std::array<std::uint8_t, 32>;
[[nodiscard]] ApiKeyHash hash_of_api_key(std::string_view key);

// A key as the list has it: all but the key itself.
struct ApiKey {
  std::string id;  // these three by is_valid_id()
  std::string tenant;
  std::string user;
  ApiKeyHash hash{};
  std::string created;  // "2026-01-31T12:00:00Z"
  unsigned line = 0;    // where it stands in its file, from 1; 0 where it stands in none
};

// A new key: "slk_" and 256 random bits as 43 characters of base64url.
[[nodiscard]] std::string generate_api_key();

// The key that a request shows, in `X-API-Key` or as `Authorization: Bearer ...`; nullopt where it
// shows none. Whatever the client sends, until a list knows it.
// Error: kBadRequest, for two that differ, or for one that is sent twice or as a list.
[[nodiscard]] Result<std::optional<std::string_view>> api_key_of(const http::Request& request);

// The same at a gate, where these fields are the application's too: what is not in the form of our
// keys is not ours, and there is no error. Of two of ours the one in `X-API-Key`.
[[nodiscard]] std::optional<std::string_view> api_key_at_gate(const http::Request& request);

// The keys that are valid; never changed, replaced as a whole.
class ApiKeys {
 public:
  ApiKeys() = default;
  // REQUIRES: no two have the same id or hash.
  explicit ApiKeys(std::vector<ApiKey> keys);
  ApiKeys(const ApiKeys&) = delete;
  ApiKeys& operator=(const ApiKeys&) = delete;

  // The entry of a key as its owner shows it; nullptr: not on the list. Looked up by hash, so
  // nothing that an answer's time could tell depends on the text of a valid key.
  [[nodiscard]] const ApiKey* find(std::string_view key) const;
  [[nodiscard]] const ApiKey* find_id(std::string_view id) const;
  [[nodiscard]] std::size_t size() const { return by_hash_.size(); }

 private:
  struct FirstBytes {  // of a hash that is random already
    std::size_t operator()(const ApiKeyHash& hash) const;
  };

  std::unordered_map<ApiKeyHash, ApiKey, FirstBytes> by_hash_;
  std::map<std::string_view, const ApiKey*> by_id_;  // of by_hash_, whose entries never move
};

}  // namespace sluice::identity
