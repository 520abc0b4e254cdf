// Who is known by an API key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "identity/resolver.h"
#include "manual_clock.h"

namespace sluice::identity {
namespace {

using std::chrono::hours;

class ResolverKeyTest : public testing::Test {
 protected:
  // What a request says, in headers and body; empty: not said.
  struct Said {
    std::string key = {};
    std::string tenant = {};
    std::string session = {};
    std::string address = "203.0.113.7";
    bool tenant_in_body = false;
    bool as_bearer = false;
  };

  [[nodiscard]] Result<Identity> resolve(const Said& said,
                                         Credentials wanted = Credentials::kSession) const {
    return resolve(resolver_, said, wanted);
  }

  [[nodiscard]] static Result<Identity> resolve(const Resolver& resolver, const Said& said,
                                                Credentials wanted) {
    std::vector<http::Param> params;
    const std::string bearer = "Bearer " + said.key;
    if (!said.key.empty() && said.as_bearer) params.push_back({"HTTP_AUTHORIZATION", bearer});
    if (!said.key.empty() && !said.as_bearer) params.push_back({"HTTP_X_API_KEY", said.key});
    http::JsonWriter object;
    if (!said.tenant.empty() && said.tenant_in_body) object.set("tenant_id", said.tenant);
    if (!said.tenant.empty() && !said.tenant_in_body) {
      params.push_back({"HTTP_X_TENANT_ID", said.tenant});
    }
    if (!said.session.empty()) params.push_back({"HTTP_X_SESSION_ID", said.session});
    const std::string body = object.text();
    http::Request request;
    request.remote_address = said.address;
    request.params = params;
    request.body = body;
    auto identity = resolver.resolve(request, wanted);
    if (identity) identity->token = {};  // of memory that ends here
    return identity;
  }

  [[nodiscard]] std::string token(std::string_view tenant) const {
    return tokens_.sign(SessionTokens::create(tenant, clock_.now() + hours(1)));
  }

  [[nodiscard]] Resolver::Options options() const {
    Resolver::Options options;
    options.access.exempt = {{*parse_network("198.51.100.1")}, {"vip"}};
    options.access.deny = {{*parse_network("192.0.2.0/24")}, {"banned"}};
    std::vector<ApiKey> keys;
    for (const auto& [id, tenant, user, text] :
         std::vector<std::array<std::string, 4>>{{"k1", "acme", "alice", acme_},
                                                 {"k2", "globex", "bob", globex_},
                                                 {"k3", "vip", "eve", vip_},
                                                 {"k4", "banned", "mal", banned_},
                                                 {"k5", "gone", "ann", gone_}}) {
      keys.push_back({id, tenant, user, hash_of_api_key(text), "", 0});
    }
    options.api_keys = std::make_shared<const ApiKeys>(std::move(keys));
    return options;
  }

  const std::string acme_ = generate_api_key();
  const std::string globex_ = generate_api_key();
  const std::string vip_ = generate_api_key();
  const std::string banned_ = generate_api_key();
  const std::string gone_ = generate_api_key();
  const std::string unknown_ = generate_api_key();
  ManualClock clock_;
  SessionTokens tokens_{{Secret{}}};
  Resolver resolver_{tokens_, clock_, {"acme", "globex", "vip", "banned"}, options()};
};

TEST_F(ResolverKeyTest, AKeyIsProofOfTenantAndUserByItself) {
  for (const Credentials wanted : {Credentials::kSession, Credentials::kHeaders}) {
    for (const Said& said : {Said{.key = acme_}, Said{.key = acme_, .as_bearer = true},
                             Said{.key = acme_, .tenant = "acme"}}) {
      const auto identity = resolve(said, wanted);
      ASSERT_TRUE(identity);
      EXPECT_EQ(identity->standing, Standing::kKnown);
      EXPECT_EQ(identity->tenant, "acme");
      EXPECT_EQ(identity->api_key, "k1");
      EXPECT_EQ(identity->user, "alice");
      EXPECT_FALSE(identity->session);
      EXPECT_FALSE(identity->rejection);
    }
  }
}

TEST_F(ResolverKeyTest, ASessionBesideIsTheSession) {
  const auto identity = resolve({.key = acme_, .session = token("acme")});
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->standing, Standing::kKnown);
  EXPECT_TRUE(identity->session);
  EXPECT_EQ(identity->api_key, "k1");
  EXPECT_EQ(identity->user, "alice");
}

TEST_F(ResolverKeyTest, AFalseClaimIsRejectedAndNothingOfItIsKept) {
  struct Row {
    Said said;
    ErrorCode why;
  };
  const std::vector<Row> rows{
      {{.key = unknown_}, ErrorCode::kInvalidApiKey},
      {{.key = unknown_, .tenant = "acme"}, ErrorCode::kInvalidApiKey},
      {{.key = "short", .as_bearer = true}, ErrorCode::kInvalidApiKey},
      {{.key = "k1"}, ErrorCode::kInvalidApiKey},
      {{.key = acme_, .tenant = "globex"}, ErrorCode::kForeignApiKey},
      {{.key = acme_, .tenant = "globex", .tenant_in_body = true}, ErrorCode::kForeignApiKey},
      {{.key = acme_, .tenant = "nobody"}, ErrorCode::kUnknownTenant},
      {{.key = gone_}, ErrorCode::kUnknownTenant},
      {{.key = acme_, .session = token("globex")}, ErrorCode::kForeignSession},
      {{.key = acme_, .session = "forged"}, ErrorCode::kInvalidSession},
      // The first that is found.
      {{.key = unknown_, .session = "forged"}, ErrorCode::kInvalidApiKey},
      {{.key = unknown_, .session = token("acme")}, ErrorCode::kInvalidApiKey},
      {{.key = acme_, .tenant = "globex", .session = token("acme")}, ErrorCode::kForeignApiKey},
      {{.key = acme_, .tenant = "globex", .session = token("globex")}, ErrorCode::kForeignApiKey},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto identity = resolve(rows[i].said);
    ASSERT_TRUE(identity) << i;
    EXPECT_EQ(identity->standing, Standing::kRejected) << i;
    ASSERT_TRUE(identity->rejection) << i;
    EXPECT_EQ(identity->rejection->code, rows[i].why) << i;
    EXPECT_EQ(identity->api_key, "") << i;
    EXPECT_EQ(identity->user, "") << i;
    EXPECT_FALSE(identity->session) << i;
  }
}

TEST_F(ResolverKeyTest, TwoKeysThatDifferAreABadRequest) {
  const auto shown = [&](const std::vector<http::Param>& params) {
    http::Request request;
    request.params = params;
    return resolver_.resolve(request, Credentials::kHeaders);
  };
  const std::string bearer = "Bearer " + acme_;
  EXPECT_EQ(shown({{"HTTP_X_API_KEY", acme_}, {"HTTP_AUTHORIZATION", bearer}})->api_key, "k1");
  for (const auto& params : std::vector<std::vector<http::Param>>{
           {{"HTTP_X_API_KEY", globex_}, {"HTTP_AUTHORIZATION", bearer}},
           {{"HTTP_X_API_KEY", acme_}, {"HTTP_X_API_KEY", acme_}}}) {
    const auto identity = shown(params);
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->standing, Standing::kAnonymous);
    EXPECT_EQ(identity->rejection->code, ErrorCode::kBadRequest);
    EXPECT_EQ(identity->api_key, "");
  }
}

TEST_F(ResolverKeyTest, CredentialsOfOthersAreNotLookedAt) {
  const Resolver without_keys(tokens_, clock_, {"acme"}, {});
  const std::vector<std::vector<http::Param>> shown{
      {{"HTTP_AUTHORIZATION", "Bearer a,b"}},
      {{"HTTP_X_API_KEY", acme_}, {"HTTP_AUTHORIZATION", "Bearer k2"}},
      {{"HTTP_X_API_KEY", "k1"}, {"HTTP_X_API_KEY", "k2"}}};
  for (const auto& params : shown) {
    http::Request request;
    request.params = params;
    // Without a list of keys; and on a route that asks for nothing.
    for (const auto& identity : {without_keys.resolve(request, Credentials::kHeaders),
                                 resolver_.resolve(request, Credentials::kNone)}) {
      ASSERT_TRUE(identity) << identity.error().detail;
      EXPECT_EQ(identity->standing, Standing::kAnonymous);
      EXPECT_EQ(identity->api_key, "");
      EXPECT_FALSE(identity->rejection);
    }
  }
}

TEST_F(ResolverKeyTest, ListsKnowATenantByAVerifiedKey) {
  EXPECT_EQ(resolve({.key = vip_})->standing, Standing::kExempt);
  EXPECT_EQ(resolve({.key = acme_})->standing, Standing::kKnown);
  EXPECT_EQ(resolve({.key = acme_, .tenant = "vip"})->standing, Standing::kRejected);
  EXPECT_EQ(resolve({.key = unknown_, .tenant = "vip"})->standing, Standing::kRejected);
  EXPECT_EQ(resolve({.key = vip_, .session = "forged"})->standing, Standing::kRejected);
  const auto banned = resolve({.key = banned_});
  ASSERT_FALSE(banned);
  EXPECT_EQ(banned.error().code, ErrorCode::kForbidden);
  EXPECT_EQ(resolve({.key = acme_, .tenant = "banned"})->standing, Standing::kRejected);
}

TEST_F(ResolverKeyTest, ListsOfAddressesGoBeforeKeys) {
  EXPECT_EQ(resolve({.key = acme_, .address = "192.0.2.1"}).error().code, ErrorCode::kForbidden);
  const auto exempt = resolve({.key = unknown_, .address = "198.51.100.1"});
  EXPECT_EQ(exempt->standing, Standing::kExempt);
  EXPECT_EQ(exempt->rejection->code, ErrorCode::kInvalidApiKey);
}

}  // namespace
}  // namespace sluice::identity
