#include "config/sections/settings.h"

#include <array>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/character.h"
#include "base/ids.h"
#include "identity/credentials/secret.h"

namespace sluice::config {
namespace {

using telemetry::Level;

constexpr std::int64_t kMaxWaitMs = 60'000;
constexpr std::int64_t kDayS = 86'400;
constexpr std::int64_t kMaxLifetimeS = std::chrono::seconds(std::chrono::days(366)).count();

constexpr std::array<std::pair<std::string_view, Level>, 4> kLevelNames{
    {{"debug", Level::kDebug},
     {"info", Level::kInfo},
     {"warning", Level::kWarning},
     {"error", Level::kError}}};

void read_uri(const Value& value, Settings& settings) {
  const auto uri = value.text();
  // One that is replaced may say anything: it is often of another machine.
  if (!uri || settings.uri_replaced) return;
  if (const auto wrong = set_storage(*uri, settings.config)) {
    value.complain(fmt::format("\"uri\": {}", *wrong));
  }
}

void read_key_prefix(const Value& value, Settings& settings) {
  const auto prefix = value.text();
  if (!prefix) return;
  if (!is_valid_id(*prefix)) {
    value.complain(fmt::format("\"key_prefix\" must be {}, not \"{}\"", kIdRule, *prefix));
  }
  settings.config.limiter.keys.prefix = *prefix;
}

void read_shared_file(const Value& value, Settings& settings) {
  const auto file = value.text();
  if (!file) return;
  if (!file->starts_with('/')) {
    value.complain(fmt::format("\"{}\" is no whole path; write /dev/shm/sluice-shared", *file));
  }
  settings.config.shared_file = *file;
}

void read_secret_file(const Value& value, Settings& settings) {
  const auto file = value.text();
  if (!file) return;
  if (file->empty()) value.complain("\"secret_file\" is empty; name a file");
  settings.config.sessions.secret_file = *file;
}

void read_trusted_proxies(const Value& value, Settings& settings) {
  const auto elements = value.elements();
  if (!elements) return;
  for (const Value& element : *elements) {
    const auto text = element.text();
    if (!text) continue;
    const auto network = identity::parse_network(*text);
    if (!network) {
      element.complain(network.error().detail);
    } else if (network->is_everything()) {
      element.complain(fmt::format(
          "\"{}\" trusts everybody: a client could claim any address; name your proxies", *text));
    } else {
      settings.config.identity.trusted_proxies.push_back(*network);
    }
  }
}

void read_nat64_prefixes(const Value& value, Settings& settings) {
  const auto elements = value.elements();
  if (!elements) return;
  identity::Nat64Prefixes& prefixes = settings.config.identity.nat64_prefixes;
  prefixes.clear();
  for (const Value& element : *elements) {
    const auto text = element.text();
    if (!text) continue;
    if (const auto prefix = identity::parse_nat64_prefix(*text)) {
      prefixes.push_back(*prefix);
    } else {
      element.complain(prefix.error().detail);
    }
  }
}

template <std::int64_t kLow, std::int64_t kHigh, class Number>
void read_integer(const Value& value, Number& number) {
  if (const auto read = value.integer(kLow, kHigh)) number = static_cast<Number>(*read);
}

constexpr std::array<Key<Settings>, 7> kStorageKeys{{
    {"uri", read_uri},
    {"connect_timeout_ms",
     [](const Value& value, Settings& settings) {
       read_integer<1, kMaxWaitMs>(value, settings.config.redis.wire.connect_timeout);
     }},
    {"deadline_ms",
     [](const Value& value, Settings& settings) {
       read_integer<1, kMaxWaitMs>(value, settings.config.redis.wire.command_timeout);
     }},
    {"max_pending",
     [](const Value& value, Settings& settings) {
       read_integer<1, 1'000'000>(value, settings.config.redis.wire.max_pending);
     }},
    {"key_prefix", read_key_prefix},
    {"shared_file", read_shared_file},
    {"shared_memory_mb",
     [](const Value& value, Settings& settings) {
       if (const auto megabytes = value.integer(1, 16'384)) {
         settings.config.shared_memory.bytes = static_cast<std::size_t>(*megabytes) << 20U;
       }
     }},
}};

constexpr std::array<Key<Settings>, 2> kSessionsKeys{{
    {"secret_file", read_secret_file},
    {"lifetime_s",
     [](const Value& value, Settings& settings) {
       if (const auto seconds = value.integer(60, kMaxLifetimeS)) {
         settings.config.sessions.lifetime = std::chrono::seconds(*seconds);
       }
     }},
}};

constexpr std::array<Key<Settings>, 3> kClientAddressKeys{{
    {"ipv6_prefix",
     [](const Value& value, Settings& settings) {
       read_integer<8, 128>(value, settings.config.identity.ipv6_prefix);
     }},
    {"nat64_prefixes", read_nat64_prefixes},
    {"trusted_proxies", read_trusted_proxies},
}};

constexpr std::array<Key<Settings>, 4> kFastcgiKeys{{
    {"max_body_bytes",
     [](const Value& value, Settings& settings) {
       read_integer<1, 16 << 20>(value, settings.config.server.bounds.max_body_bytes);
     }},
    {"max_params_bytes",
     [](const Value& value, Settings& settings) {
       read_integer<1024, 1 << 20>(value, settings.config.server.bounds.max_params_bytes);
     }},
    {"max_connections",
     [](const Value& value, Settings& settings) {
       read_integer<1, 65536>(value, settings.config.server.max_connections);
     }},
    {"stall_timeout_ms",
     [](const Value& value, Settings& settings) {
       read_integer<100, 10 * kMaxWaitMs>(value, settings.config.server.stall_timeout);
     }},
}};

constexpr std::array<Key<Settings>, 2> kNewBucketsKeys{{
    {"per_tenant",
     [](const Value& value, Settings& settings) {
       read_integer<0, limits::kMaxQuota>(value, settings.config.limiter.newcomers.per_tenant);
     }},
    {"per_network",
     [](const Value& value, Settings& settings) {
       read_integer<0, limits::kMaxQuota>(value, settings.config.limiter.newcomers.per_network);
     }},
}};

constexpr std::array<Key<Settings>, 4> kPenaltyKeys{{
    {"after",
     [](const Value& value, Settings& settings) {
       read_integer<0, 1000>(value, settings.config.limiter.penalty.after);
     }},
    {"first_s",
     [](const Value& value, Settings& settings) {
       read_integer<1, kDayS>(value, settings.config.limiter.penalty.first);
     }},
    {"most_s",
     [](const Value& value, Settings& settings) {
       read_integer<1, 30 * kDayS>(value, settings.config.limiter.penalty.most);
     }},
    {"forget_s",
     [](const Value& value, Settings& settings) {
       read_integer<1, kDayS>(value, settings.config.limiter.penalty.forget);
     }},
}};

constexpr std::array<Key<Settings>, 1> kStatusKeys{{
    {"tenants",
     [](const Value& value, Settings& settings) {
       read_integer<0, 10'000>(value, settings.config.status.tenants);
     }},
}};

constexpr std::array<Key<Settings>, 1> kLogKeys{{
    {"level",
     [](const Value& value, Settings& settings) {
       if (const auto level = value.word<Level>(kLevelNames)) settings.config.log_level = *level;
     }},
}};

struct Section {
  std::string_view name;
  Keys<Settings> keys;
};

constexpr std::array<Section, 8> kSections{{
    {"storage", kStorageKeys},
    {"sessions", kSessionsKeys},
    {"client_address", kClientAddressKeys},
    {"fastcgi", kFastcgiKeys},
    {"new_buckets", kNewBucketsKeys},
    {"penalty", kPenaltyKeys},
    {"status", kStatusKeys},
    {"log", kLogKeys},
}};

}  // namespace

void read_settings(const Value& section, Settings& settings) {
  for (const Section& known : kSections) {
    if (known.name == section.name()) read_group(section, known.keys, settings);
  }
  const auto& penalty = settings.config.limiter.penalty;
  if (section.name() == "penalty" && penalty.most < penalty.first) {
    section.complain(fmt::format("\"most_s\" is {}, less than \"first_s\", which is {}",
                                 penalty.most.count(), penalty.first.count()));
  }
}

std::optional<std::string> set_storage(std::string_view uri, Config& config) {
  // It is shown at GET / and in the log.
  if (auto unseen = unseen_in(uri)) return unseen;
  if (uri == kMemoryUri) {
    config.storage = Storage::kMemory;
    return std::nullopt;
  }
  if (uri.starts_with(kSharedMemoryScheme)) {
    config.storage = Storage::kSharedMemory;
    config.shared_memory_file = uri.substr(kSharedMemoryScheme.size());
    if (config.shared_memory_file.starts_with('/')) return std::nullopt;
    return fmt::format("\"{}\" names no file; write shm:///dev/shm/sluice", uri);
  }
  config.storage = Storage::kRedis;
  auto parsed = redis::parse_uri(uri);
  if (!parsed) {
    return fmt::format("{}, shm:///path/to/file, or {}", parsed.error().detail, kMemoryUri);
  }
  config.redis.uri = std::move(*parsed);
  config.redis.tls = nullptr;
  if (const auto& files = config.redis.uri.tls) {
    auto context = redis::TlsContext::load(*files);
    if (!context) return context.error().detail;
    config.redis.tls = std::move(*context);
  }
  return std::nullopt;
}

Result<std::vector<identity::Secret>> Sessions::read_secrets() const {
  if (!secrets.empty()) return secrets;
  return identity::read_secrets(secret_file);
}

Result<std::vector<identity::Secret>> Sessions::load_secrets() const {
  if (!secrets.empty()) return secrets;
  return identity::load_secrets(secret_file);
}

std::vector<std::string> settings_keys() {
  std::vector<std::string> names;
  for (const Section& section : kSections) append_keys(names, section.name, section.keys);
  return names;
}

}  // namespace sluice::config
