// The section `api_keys`: where the list of valid API keys is.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/document/reader.h"
#include "identity/credentials/api_key.h"
#include "limits/plan.h"

namespace sluice::config {

// The file that the section names, as seen from `folder`; "" after a complaint.
[[nodiscard]] std::string read_api_key_file_name(const Value& group,
                                                 const std::filesystem::path& folder);

// The keys of a file. Their tenants must be those of `plans`. What is wrong goes to `report`. A
// file that does not exist holds no keys yet.
[[nodiscard]] std::shared_ptr<const identity::ApiKeys> read_api_keys(const std::string& path,
                                                                     const limits::Plans& plans,
                                                                     Report& report);

// Every key that the section knows, as in "api_keys.file".
[[nodiscard]] std::vector<std::string> api_keys_keys();

}  // namespace sluice::config
