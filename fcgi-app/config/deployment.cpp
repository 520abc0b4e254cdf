#include "config/deployment.h"

#include "config/sections/settings.h"
#include "identity/credentials/secret.h"

namespace sluice::config {

Result<std::vector<identity::Secret>> SessionSecrets::read() const {
  if (!given.empty()) return given;
  return identity::read_secrets(file);
}

Result<std::vector<identity::Secret>> SessionSecrets::load() const {
  if (!given.empty()) return given;
  return identity::load_secrets(file);
}

std::string settings_for_restart(const Deployment& running, const Deployment& edited) {
  std::string names;
  for (const Setting& setting : settings()) {
    if (!setting.is_same || setting.is_same(running, edited)) continue;
    names.append(names.empty() ? "" : ", ").append(setting.name);
  }
  return names;
}

}  // namespace sluice::config
