// The section `access`: who is never counted, and who never gets in.
#pragma once

#include <string>
#include <vector>

#include "config/document/reader.h"
#include "identity/address/access.h"
#include "limits/plan.h"

namespace sluice::config {

// What the section says. The tenants that it names must be those of `plans`.
[[nodiscard]] identity::Access read_access(const Value& group, const limits::Plans& plans);

// Every key that the section knows, as in "access.deny".
[[nodiscard]] std::vector<std::string> access_keys();

}  // namespace sluice::config
