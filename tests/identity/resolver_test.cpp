#include "identity/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "identity/credentials/fingerprint.h"
#include "manual_clock.h"

namespace sluice::identity {
namespace {

using std::chrono::hours;

class ResolverTest : public testing::Test {
 protected:
  [[nodiscard]] std::string token(std::string_view tenant, Duration lifetime = hours(1)) const {
    return tokens_.sign(SessionTokens::create(tenant, clock_.now() + lifetime));
  }

  // A POST /chat with these headers (empty: not sent) and this body.
  [[nodiscard]] Result<Identity> resolve(std::string_view tenant, std::string_view session,
                                         std::string_view body) const {
    std::vector<http::Param> params;
    if (!tenant.empty()) params.push_back({"HTTP_X_TENANT_ID", tenant});
    if (!session.empty()) params.push_back({"HTTP_X_SESSION_ID", session});
    http::Request request;
    request.remote_address = "203.0.113.7";
    request.params = params;
    request.body = body;
    return resolver_.resolve(request, Credentials::kSession);
  }

  static std::string body(std::string_view tenant, std::string_view session) {
    http::JsonWriter object;
    if (!tenant.empty()) object.set("tenant_id", tenant);
    if (!session.empty()) object.set("session_id", session);
    object.set("message", "hi");
    return object.text();
  }

  ManualClock clock_;
  SessionTokens tokens_{{Secret{}}};
  Resolver resolver_{tokens_, clock_, {"acme", "globex"}, {}};
};

TEST_F(ResolverTest, HeadersAndBodyThatAgreeAreKnown) {
  const std::string session = token("acme");
  const auto identity = resolve("acme", session, body("acme", session));
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->standing, Standing::kKnown);
  EXPECT_EQ(identity->tenant, "acme");
  EXPECT_TRUE(identity->session);
  EXPECT_EQ(identity->address, "4:cb007107");
}

TEST_F(ResolverTest, AClaimMadeOnlyOnceIsPartial) {
  const std::string session = token("acme");
  const std::vector<Result<Identity>> partial{
      resolve("", "", body("acme", session)), resolve("acme", session, body("", "")),
      resolve("acme", "", body("acme", session)), resolve("acme", session, body("acme", "")),
      resolve("", session, body("", session))};
  for (std::size_t i = 0; i < partial.size(); ++i) {
    ASSERT_TRUE(partial[i]) << i;
    EXPECT_EQ(partial[i]->standing, Standing::kPartial) << i;
    EXPECT_EQ(partial[i]->tenant, "acme") << i;
  }
}

TEST_F(ResolverTest, WithoutASessionTheCallerIsAnonymous) {
  for (const auto& identity : {resolve("", "", body("", "")), resolve("acme", "", body("", "")),
                               resolve("acme", "", body("acme", ""))}) {
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->standing, Standing::kAnonymous);
    EXPECT_FALSE(identity->session);
  }
}

TEST_F(ResolverTest, AFalseClaimIsRejectedAndSaysWhy) {
  const std::string foreign = token("acme");
  const std::string expired = token("acme", -hours(1));
  const std::string gone = token("initech");
  struct Row {
    const char* tenant;
    std::string session;
    ErrorCode why;
  };
  const std::vector<Row> rows{{"globex", foreign, ErrorCode::kForeignSession},
                              {"acme", "made-up", ErrorCode::kInvalidSession},
                              {"acme", expired, ErrorCode::kInvalidSession},
                              {"initech", gone, ErrorCode::kUnknownTenant},
                              {"", gone, ErrorCode::kUnknownTenant},
                              {"ACME", foreign, ErrorCode::kUnknownTenant},
                              {"a:b}", foreign, ErrorCode::kUnknownTenant}};
  for (const Row& row : rows) {
    const auto identity = resolve(row.tenant, row.session, body(row.tenant, row.session));
    ASSERT_TRUE(identity) << row.tenant;
    EXPECT_EQ(identity->standing, Standing::kRejected) << row.tenant;
    ASSERT_TRUE(identity->rejection) << row.tenant;
    EXPECT_EQ(identity->rejection->code, row.why) << row.tenant;
    EXPECT_FALSE(identity->session) << row.tenant;
  }
}

TEST_F(ResolverTest, WhatCannotBeUnderstoodIsOfWhoIsProvedByTheRest) {
  const std::string session = token("acme");
  const std::string other = token("acme");
  struct Row {
    const char* tenant;
    std::string session;
    std::string body;
    Standing standing;
  };
  const std::vector<Row> rows{
      {"globex", session, body("acme", session), Standing::kPartial},
      {"acme,globex", session, body("acme", session), Standing::kPartial},
      {"acme", session, "[]", Standing::kPartial},
      {"acme", session, "", Standing::kPartial},
      {"acme", session, R"({"tenant_id":1})", Standing::kPartial},
      {"acme", session, R"({"session_id":[]})", Standing::kPartial},
      {"acme", "a,b", body("acme", session), Standing::kPartial},
      {"acme", session, body("acme", other), Standing::kAnonymous},
      {"acme", "forged", body("acme", session), Standing::kAnonymous},
      {"acme", "", "{", Standing::kAnonymous},
      {"acme", "a,b", body("acme", ""), Standing::kAnonymous},
      {"", "", R"({"session_id":5})", Standing::kAnonymous},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto identity = resolve(rows[i].tenant, rows[i].session, rows[i].body);
    ASSERT_TRUE(identity) << i;
    EXPECT_EQ(identity->standing, rows[i].standing) << i;
    ASSERT_TRUE(identity->rejection) << i;
    EXPECT_EQ(identity->rejection->code, ErrorCode::kBadRequest) << i;
    EXPECT_EQ(identity->session.has_value(), rows[i].standing == Standing::kPartial) << i;
  }
}

TEST_F(ResolverTest, AFalseClaimGoesBeforeWhatCannotBeUnderstood) {
  const std::string session = token("acme");
  const std::vector<std::pair<Result<Identity>, ErrorCode>> rows{
      {resolve("acme", "forged", "{"), ErrorCode::kInvalidSession},
      {resolve("globex", session, "{"), ErrorCode::kForeignSession},
      {resolve("nobody", session, "{"), ErrorCode::kUnknownTenant},
      {resolve("a,b", "", body("", "forged")), ErrorCode::kInvalidSession},
      {resolve("a,b", session, body("nobody", "")), ErrorCode::kUnknownTenant}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [identity, why] = rows[i];
    ASSERT_TRUE(identity) << i;
    EXPECT_EQ(identity->standing, Standing::kRejected) << i;
    EXPECT_EQ(identity->rejection->code, why) << i;
  }
}

Network network(const char* text) {
  return *parse_network(text);
}

class AccessTest : public ResolverTest {
 protected:
  static Resolver::Options options() {
    Resolver::Options options;
    options.access.exempt = {{network("203.0.113.7")}, {"vip"}};
    options.access.deny = {{network("192.0.2.0/24"), network("2001:db8::5")}, {"globex"}};
    return options;
  }

  [[nodiscard]] Result<Identity> resolve_from(std::string_view address, std::string_view tenant,
                                              std::string_view session) const {
    const std::string said = body(tenant, session);
    http::Request request;
    request.remote_address = address;
    request.body = said;
    return listing_.resolve(request, Credentials::kSession);
  }

  Resolver listing_{tokens_, clock_, {"acme", "globex", "vip"}, options()};
};

TEST_F(AccessTest, ADeniedAddressIsForbiddenWhateverItShows) {
  for (const char* address : {"192.0.2.1", "::ffff:192.0.2.1", "2001:db8::5"}) {
    for (const std::string& session : {std::string(), std::string("forged"), token("vip")}) {
      const auto identity = resolve_from(address, "", session);
      ASSERT_FALSE(identity) << address;
      EXPECT_EQ(identity.error().code, ErrorCode::kForbidden) << address;
    }
  }
  EXPECT_TRUE(resolve_from("2001:db8::6", "", ""));
}

TEST_F(AccessTest, ATenantIsDeniedByAVerifiedSessionAndBeforeItIsExempt) {
  for (const char* address : {"198.51.100.1", "203.0.113.7"}) {
    const auto identity = resolve_from(address, "globex", token("globex"));
    ASSERT_FALSE(identity) << address;
    EXPECT_EQ(identity.error().code, ErrorCode::kForbidden) << address;
  }
  const auto unproved = resolve_from("198.51.100.1", "globex", "");
  ASSERT_TRUE(unproved);
  EXPECT_EQ(unproved->standing, Standing::kAnonymous);
  EXPECT_EQ(resolve_from("198.51.100.1", "globex", "forged")->standing, Standing::kRejected);
}

TEST_F(AccessTest, AnExemptAddressStaysWhoItIs) {
  const auto acme = resolve_from("203.0.113.7", "acme", token("acme"));
  ASSERT_TRUE(acme);
  EXPECT_EQ(acme->standing, Standing::kExempt);
  EXPECT_EQ(acme->tenant, "acme");
  EXPECT_FALSE(acme->rejection);
  const auto forged = resolve_from("203.0.113.7", "acme", "forged");
  ASSERT_TRUE(forged);
  EXPECT_EQ(forged->standing, Standing::kExempt);
  ASSERT_TRUE(forged->rejection);
  EXPECT_EQ(forged->rejection->code, ErrorCode::kInvalidSession);
}

TEST_F(AccessTest, ATenantIsExemptByAVerifiedSessionAlone) {
  EXPECT_EQ(resolve_from("198.51.100.1", "vip", token("vip"))->standing, Standing::kExempt);
  EXPECT_EQ(resolve_from("198.51.100.1", "vip", "")->standing, Standing::kAnonymous);
  EXPECT_EQ(resolve_from("198.51.100.1", "vip", "forged")->standing, Standing::kRejected);
  EXPECT_EQ(resolve_from("198.51.100.1", "vip", token("acme"))->standing, Standing::kRejected);
}

TEST_F(ResolverTest, HeadersAloneSufficeWhereThereIsNoBody) {
  const std::string session = token("acme");
  const auto from_headers = [&](std::vector<http::Param> params) {
    http::Request request;
    request.params = params;
    request.body = "no JSON";
    return resolver_.resolve(request, Credentials::kHeaders);
  };
  const http::Param tenant{"HTTP_X_TENANT_ID", "acme"};
  const http::Param shown{"HTTP_X_SESSION_ID", session};
  EXPECT_EQ(from_headers({tenant, shown})->standing, Standing::kKnown);
  EXPECT_EQ(from_headers({shown})->standing, Standing::kPartial);
  EXPECT_EQ(from_headers({tenant})->standing, Standing::kAnonymous);
  EXPECT_EQ(from_headers({})->standing, Standing::kAnonymous);
  EXPECT_EQ(from_headers({{"HTTP_X_TENANT_ID", "globex"}, shown})->rejection->code,
            ErrorCode::kForeignSession);
  EXPECT_EQ(from_headers({tenant, tenant, shown})->rejection->code, ErrorCode::kBadRequest);
  EXPECT_EQ(from_headers({tenant, tenant, shown})->standing, Standing::kPartial);
}

TEST_F(ResolverTest, WhatScopesCountPerIsThereWhenItIsShown) {
  Resolver::Options options;
  options.headers = {"x-device", "user-agent"};
  const Resolver resolver(tokens_, clock_, {"acme"}, options);
  const auto shown = [&](std::vector<http::Param> params) {
    http::Request request;
    request.params = params;
    return resolver.resolve(request, Credentials::kNone);
  };
  const auto identity = shown({{"HTTP_X_DEVICE", "d1"}, {"HTTP_X_OTHER", "o"}});
  ASSERT_TRUE(identity);
  EXPECT_THAT(identity->headers, testing::ElementsAre(std::pair("x-device", fingerprint("d1"))));
  EXPECT_TRUE(shown({})->headers.empty());
  const auto twice = shown({{"HTTP_X_DEVICE", "d1"}, {"HTTP_X_DEVICE", "d2"}});
  EXPECT_EQ(twice->rejection->code, ErrorCode::kBadRequest);
  EXPECT_TRUE(twice->headers.empty()) << "as if it were not shown";
}

}  // namespace
}  // namespace sluice::identity
