// A config of Sluice, as nginx reads it with its own.
#include <algorithm>
#include <cctype>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"
#include "nginx/module/gate_impl.h"
#include "policy/regions.h"
#include "routes.h"

using sluice::nginx::guarded;
using sluice::nginx::Secrets;
using sluice::nginx::tell;
using sluice::nginx::text;
using sluice::nginx::view;

namespace {

bool has_api_keys(const sluice::config::Loaded& loaded) {
  const auto& keys = loaded.policy.identity.api_keys;
  return keys && keys->size() > 0;
}

void warn(sluice::config::Loaded& loaded, std::string_view place, std::string_view what) {
  std::string& all = loaded.warnings;
  all.append(all.empty() ? "" : "\n").append(place).append(": warning: ").append(what);
}

// Without the file no session is valid. nginx, which starts as root, makes none: it would be a file
// that workers cannot read.
sluice::Result<Secrets> secrets_of(sluice::config::Loaded& loaded, const sluice_config* old) {
  const auto& place = loaded.deployment.secrets;
  auto secrets = place.read();
  if (secrets) return Secrets{std::move(*secrets), true};
  if (secrets.error().code != sluice::ErrorCode::kNotFound) {
    return tl::unexpected(secrets.error());
  }
  if (old && old->secrets.are_shared) {
    return sluice::fail(sluice::ErrorCode::kInvalidConfig,
                        place.file + ": is gone, with the session secrets that are in use");
  }
  warn(loaded, place.file,
       "is not there; sessions are not valid here until a worker has made it and nginx was "
       "reloaded");
  sluice::identity::Secret random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return sluice::fail(sluice::ErrorCode::kSystem, "no random bytes");
  }
  return Secrets{{random}, false};
}

// The process is another user for a while, if it is root.
class As {
 public:
  explicit As(uid_t user)
      : was_root_(::geteuid() == 0), is_done_(!was_root_ || ::seteuid(user) == 0) {}
  ~As() {
    if (was_root_ && ::seteuid(0) != 0) std::terminate();  // who was root, may be again
  }
  As(const As&) = delete;
  As& operator=(const As&) = delete;
  [[nodiscard]] bool is_done() const { return is_done_; }

 private:
  bool was_root_;
  bool is_done_;
};

}  // namespace

sluice_config_t* sluice_config_read(const char* path, const sluice_config_t* old,
                                    sluice_reason_t* why) {
  return guarded(why, [&]() -> sluice_config_t* {
    auto loaded = sluice::to_follow(old && has_api_keys(old->loaded), sluice::load_config(path));
    if (!loaded) return tell(why, loaded.error().detail), nullptr;
    auto secrets = secrets_of(*loaded, old);
    if (!secrets) return tell(why, secrets.error().detail), nullptr;
    const std::string& keys = loaded->api_key_file;
    if (!keys.empty() && !std::filesystem::exists(keys)) {
      warn(*loaded, loaded->api_keys_at, keys + " is not there; no API key is valid");
    }
    return new sluice_config{std::move(*loaded), std::move(*secrets)};
  });
}

void sluice_config_free(sluice_config_t* config) {
  delete config;
}

sluice_text_t sluice_config_warnings(const sluice_config_t* config) {
  return text(config->loaded.warnings);
}

int sluice_config_has_route(const sluice_config_t* config, sluice_text_t name) {
  const auto& routes = config->loaded.policy.routes;
  const bool is_gated = std::any_of(routes.begin(), routes.end(),
                                    [&](const auto& route) { return route.name == view(name); });
  if (is_gated) return 1;
  const auto own = sluice::route_names();
  return std::find(own.begin(), own.end(), view(name)) == own.end() ? 0 : 1;
}

int sluice_config_needs_body(const sluice_config_t* config, sluice_text_t route) {
  const auto& costs = config->loaded.policy.costs;
  const auto found = costs.find(view(route));
  if (found == costs.end()) return 0;
  const auto is_of_body = [](const auto& rule) {
    return rule.source == sluice::http::CostRule::Source::kBody;
  };
  return std::any_of(found->second.begin(), found->second.end(), is_of_body) ? 1 : 0;
}

// It is theirs who own the secrets, the workers: as them we take no file that they would not, and
// what we make they can open. Where that fails, each process tries by itself, and says why it
// fails.
void sluice_config_share(sluice_config_t* config) {
  sluice_reason_t ignored;
  guarded(&ignored, [&]() -> void* {
    const auto& deployment = config->loaded.deployment;
    struct stat secrets {};
    if (::stat(deployment.secrets.file.c_str(), &secrets) != 0) return nullptr;
    const As owner(secrets.st_uid);
    if (!owner.is_done()) return nullptr;
    auto shared = sluice::policy::open_shared(deployment.shared_file, true);
    if (shared) config->shared.emplace(std::move(*shared));
    return nullptr;
  });
}

int sluice_is_fact(sluice_text_t name) {
  const auto is_fine = [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_';
  };
  const std::string_view all = view(name);
  return !all.empty() && std::all_of(all.begin(), all.end(), is_fine) ? 1 : 0;
}
