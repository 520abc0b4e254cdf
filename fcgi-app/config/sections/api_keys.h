// The section `api_keys`: where the list of valid API keys is.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/document/reader.h"

namespace sluice::config {

// What the section says, with its file as seen from `folder`; no file after a complaint.
[[nodiscard]] ApiKeySettings read_api_keys_section(const Value& group,
                                                   const std::filesystem::path& folder);

// The keys of a file, of tenants of `plans`; what is wrong with it is complained of in `report`. A
// file that does not exist has none yet.
[[nodiscard]] std::shared_ptr<const identity::ApiKeys> read_api_keys(const std::string& path,
                                                                     const limits::Plans& plans,
                                                                     Report& report);

// Every key that the section knows, as in "api_keys.file".
[[nodiscard]] std::vector<std::string> api_keys_keys();

}  // namespace sluice::config
