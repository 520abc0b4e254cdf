// The file of API keys: one line each, `ID TENANT USER HASH CREATED`, beside blank lines and #
// comments. It holds no key, only hashes.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "identity/credentials/api_key.h"

namespace sluice::identity {

// The largest file: some 100,000 keys.
inline constexpr std::size_t kMaxApiKeyFileBytes = 16U << 20U;

// What a file says; its keys are of use only where there are no complaints.
struct ApiKeyList {
  struct Complaint {
    unsigned line;
    std::string what;  // without anything that stands in the line: that may be a key by mistake
  };

  std::vector<ApiKey> keys;  // in the order of the file
  std::vector<Complaint> complaints;

  // One `path:line: what` per line, or nothing.
  [[nodiscard]] std::string complaint_text(std::string_view path) const;
};

// Everything that is wrong is told at once: bad lines, and ids and hashes that stand twice.
[[nodiscard]] ApiKeyList parse_api_keys(std::string_view text);

// The key's line, without its end.
[[nodiscard]] std::string api_key_line(const ApiKey& key);

// "2026-01-31T12:00:00Z", as the file has it.
[[nodiscard]] std::string created_text(TimePoint at);

// The text of the file; empty if there is none. Error: kInvalidConfig for one that cannot be read,
// is no file, is too large, or that everybody may write: the detail says so, without the path.
[[nodiscard]] Result<std::string> read_api_key_file(const std::string& path);

// Makes of the whole text of a file that of the next.
using ApiKeyFileChange = std::function<Result<std::string>(std::string_view text)>;

// Reads the file, and puts in its place what `change` makes of it: as a whole or not at all, even
// if the machine stops. Of several that do so at once each sees what the one before has written.
// Owner and mode stay; a new file has the mode 0640. Errors: of `change`; as
// read_api_key_file(), or kSystem, with the path.
[[nodiscard]] Result<bool> change_api_key_file(const std::string& path,
                                               const ApiKeyFileChange& change);

}  // namespace sluice::identity
