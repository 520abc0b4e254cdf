// What of an edited config takes a restart, and what does not.
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load_fixture.h"
#include "redis/certificate.h"

namespace sluice::config {
namespace {

using testing::HasSubstr;

struct Edit {
  std::string text;
  bool takes_restart;
};
using Edits = std::map<std::string, Edit, std::less<>>;

// Two limits that between them say all that one can.
std::string limits_of(const std::string& scope) {
  const std::string where = "routes = ( \"chat\" ); scope = \"" + scope + "\"; ";
  return "( { name = \"a\"; " + where +
         "unit = \"tokens\"; rate = \"1/day\"; algorithm = \"fixed_window\"; align = \"calendar\"; "
         "time_zone = "
         "\"UTC\"; on_change = \"reset\"; mode = \"shadow\"; on_store_error = \"allow\"; }, "
         "{ name = \"b\"; " +
         where + "rate = \"1/s\"; algorithm = \"token_bucket\"; burst = 2; } );";
}

// The same for a route, whose limits do not say where they apply.
std::string routeless(std::string limits) {
  const std::string where = "routes = ( \"chat\" ); ";
  for (std::size_t at = 0; (at = limits.find(where)) != std::string::npos;) {
    limits.erase(at, where.size());
  }
  return limits;
}

// An edit of each setting, by its key; of what stands in lists, by their section.
Edits edits() {
  const std::string plans = "plans = ( { id = \"p\"; limits = ( ); } );";
  return {
      {"storage.uri", {"storage = { uri = \"redis://other\"; };", true}},
      {"storage.connect_timeout_ms", {"storage = { connect_timeout_ms = 7; };", true}},
      {"storage.deadline_ms", {"storage = { deadline_ms = 7; };", true}},
      {"storage.max_pending", {"storage = { max_pending = 7; };", true}},
      {"storage.key_prefix", {"storage = { key_prefix = \"p\"; };", true}},
      {"storage.shared_memory_mb", {"storage = { shared_memory_mb = 7; };", true}},
      {"sessions.secret_file", {"sessions = { secret_file = \"other\"; };", true}},
      {"sessions.lifetime_s", {"sessions = { lifetime_s = 60; };", false}},
      {"client_address.ipv6_prefix", {"client_address = { ipv6_prefix = 56; };", false}},
      {"client_address.nat64_prefixes", {"client_address = { nat64_prefixes = ( ); };", false}},
      {"client_address.trusted_proxies",
       {"client_address = { trusted_proxies = ( \"10.0.0.0/8\" ); };", false}},
      {"fastcgi.max_body_bytes", {"fastcgi = { max_body_bytes = 7; };", true}},
      {"fastcgi.max_params_bytes", {"fastcgi = { max_params_bytes = 2048; };", true}},
      {"fastcgi.max_connections", {"fastcgi = { max_connections = 7; };", true}},
      {"fastcgi.stall_timeout_ms", {"fastcgi = { stall_timeout_ms = 700; };", true}},
      {"storage.shared_file", {"storage = { shared_file = \"/run/s\"; };", true}},
      {"new_buckets.per_tenant", {"new_buckets = { per_tenant = 7; };", false}},
      {"new_buckets.per_network", {"new_buckets = { per_network = 7; };", false}},
      {"penalty.after", {"penalty = { after = 7; };", false}},
      {"penalty.first_s", {"penalty = { first_s = 7; };", false}},
      {"penalty.most_s", {"penalty = { most_s = 70; };", false}},
      {"penalty.forget_s", {"penalty = { forget_s = 7; };", false}},
      {"status.tenants", {"status = { tenants = 7; };", false}},
      {"metrics.allow", {"metrics = { allow = ( \"10.0.0.0/8\" ); };", false}},
      {"metrics.tenants", {"metrics = { tenants = 7; };", false}},
      {"settle.allow", {"settle = { allow = ( \"10.0.0.0/8\" ); };", false}},
      {"cors.origins", {"cors = { origins = ( \"https://app.example.com\" ); };", false}},
      {"cors.max_age_s", {"cors = { max_age_s = 7; };", false}},
      {"denial_log.per_second", {"denial_log = { per_second = 7; };", false}},
      {"denial_log.one_in", {"denial_log = { one_in = 7; };", false}},
      {"gate.unmatched", {"gate = { unmatched = \"deny\"; };", false}},
      {"gate.handed_over", {"gate = { handed_over = \"trust\"; };", false}},
      {"routes",
       {"routes = ( { name = \"r\"; match = \"GET /r\"; cost = 2; limits = " +
            routeless(limits_of("ip")) + " } );",
        false}},
      {"log.level", {"log = { level = \"debug\"; };", true}},
      {"access", {"access = { exempt = ( \"10.0.0.1\" ); deny = ( \"10.0.0.2\" ); };", false}},
      {"api_keys", {"api_keys = { file = \"keys\"; };", false}},
      {"costs",
       {"costs = ( { route = \"chat\"; cost = 2; from = \"body:n\"; min = 1; max = 3; "
        "unit = \"tokens\"; settle_s = 60; } );",
        false}},
      {"defaults", {"defaults = " + limits_of("ip"), false}},
      {"plans", {"plans = ( { id = \"p\"; limits = " + limits_of("tenant") + " } );", false}},
      {"default_plan", {plans + " default_plan = \"p\";", false}},
      {"tenants",
       {plans + " tenants = ( { id = \"t\"; plan = \"p\"; limits = " + limits_of("ip") + " } );",
        false}},
  };
}

class Restart : public Load {
 protected:
  // The settings that `edited` differs in from a config that says nothing.
  [[nodiscard]] std::string settings_edited(const std::string& edited,
                                            const std::string& original = "log = {};") const {
    const auto running = load_text(original + "\n");
    EXPECT_TRUE(running) << original << "\n" << running.error().detail;
    if (!running) return "";
    const auto config = load_text(edited + "\n");
    EXPECT_TRUE(config) << edited << "\n" << config.error().detail;
    return config ? settings_for_restart(running->deployment, config->deployment) : "";
  }
};

TEST_F(Restart, EachKeyTakesOneOrTakesNone) {
  const Edits all = edits();
  for (const std::string& key : known_keys()) {
    auto edit = all.find(key);
    if (edit == all.end()) edit = all.find(key.substr(0, key.find('.')));
    ASSERT_NE(edit, all.end()) << "say here whether an edit of " << key << " takes a restart";
    const auto& [text, takes_restart] = edit->second;
    EXPECT_THAT(text, HasSubstr(key.substr(key.rfind('.') + 1) + " = ")) << key;
    const std::string names = settings_edited(text);
    if (takes_restart) {
      EXPECT_THAT(", " + names + ", ", HasSubstr(", " + key + ", "));
    } else {
      EXPECT_EQ(names, "") << key;
    }
  }
}

TEST_F(Restart, SeveralAreNamedInOneLine) {
  EXPECT_EQ(settings_edited("log = { level = \"error\"; }; fastcgi = { max_connections = 7; };"),
            "fastcgi.max_connections, log.level");
}

// Its name is made of both, so that workers who do not share counts do not share this either.
TEST_F(Restart, TheFileOfNewcomersFollowsTheStoreAndItsKeys) {
  EXPECT_EQ(settings_edited("storage = { uri = \"redis://other\"; };"),
            "storage.uri, storage.shared_file");
  EXPECT_EQ(settings_edited("storage = { key_prefix = \"p\"; };"),
            "storage.key_prefix, storage.shared_file");
}

TEST_F(Restart, TheSameStoreInOtherWordsIsNoEdit) {
  EXPECT_EQ(settings_edited("storage = { uri = \"redis://127.0.0.1\"; };"), "");
  EXPECT_EQ(settings_edited("storage = { uri = \"redis://:password@127.0.0.1\"; };"),
            "storage.uri");
}

// What is in them may change: they are read when a worker starts.
TEST_F(Restart, TheFilesOfTlsArePartOfTheUri) {
  const redis::Key key(EVP_EC_gen("P-256"));
  const auto certificate = redis::self_signed(key.get(), "DNS:redis.test");
  for (const char* name : {"ca.pem", "other.pem"}) {
    redis::write_pem(folder_ / name, *certificate);
  }
  const auto uri = [](const std::string& files) {
    return "storage = { uri = \"rediss://redis.test" + files + "\"; };";
  };
  const std::string running = uri("?ca=" + (folder_ / "ca.pem").string());
  EXPECT_EQ(settings_edited(uri("?ca=" + (folder_ / "other.pem").string()), running),
            "storage.uri");
  EXPECT_EQ(settings_edited(uri(""), running), "storage.uri");
  EXPECT_EQ(settings_edited("storage = { uri = \"redis://redis.test\"; };", running),
            "storage.uri");
  EXPECT_EQ(settings_edited(running, running), "");
}

}  // namespace
}  // namespace sluice::config
