#include "identity/resolver.h"

#include <gtest/gtest.h>

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

TEST_F(ResolverTest, HeadersAndBodyThatDisagreeAreABadRequest) {
  const std::string session = token("acme");
  for (const auto& identity :
       {resolve("globex", session, body("acme", session)),
        resolve("acme", session, body("acme", token("acme"))), resolve("acme", session, "[]"),
        resolve("acme", session, "{\"tenant_id\":1}"), resolve("acme", session, ""),
        resolve("acme,globex", session, body("acme", session))}) {
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().code, ErrorCode::kBadRequest);
  }
}

}  // namespace
}  // namespace sluice::identity
