#include "doctor/doctor.h"

#include <algorithm>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "doctor/site_fixture.h"

namespace sluice::doctor {
namespace {

using testing::StartsWith;

// An edit of the good site, and the directive that the check blames then.
struct Edit {
  std::string_view check;
  std::string_view old;
  std::string_view by;
  std::string_view blamed;
};

constexpr std::string_view kPass = "sluice_location.conf; fastcgi_pass sluice;";
constexpr std::string_view kOwn = "include sluice_gate.conf;\n            add_header X-Own 1;";

std::vector<Edit> bad_passes() {
  return {
      {"trust in all", "10.0.0.0/8", "0.0.0.0/0", "set_real_ip_from 0.0.0.0/0"},
      {"trust in all", "10.0.0.0/8", "::/0", "set_real_ip_from ::/0"},
      {"trust in all", "listen 8003;", "listen 8003; set_real_ip_from ::/0;", "set_real_ip_from"},
      {"idle realip", "set_real_ip_from 10.0.0.0/8;", "", "real_ip_header X-Forwarded-For"},
      {"written address", kPass,
       "sluice_location.conf; fastcgi_pass sluice; fastcgi_param REMOTE_ADDR $http_x_real_ip;",
       "fastcgi_param REMOTE_ADDR $http_x_real_ip"},
      {"written address", "$remote_addr;\n", "\"${cookie_a}\";\n",
       "fastcgi_param REMOTE_ADDR ${cookie_a}"},
      {"no address", "include sluice_params; include sluice_location", "include sluice_location",
       "fastcgi_pass sluice"},
      {"underscores", "underscores_in_headers off", "underscores_in_headers on",
       "underscores_in_headers on"},
      {"underscores", "listen 81", "listen 80", "underscores_in_headers on"},
      {"direct pass", kPass, "sluice_location.conf; fastcgi_pass 127.0.0.1:9001;",
       "fastcgi_pass 127.0.0.1:9001"},
      {"unkept upstream", "keepalive 64;", "", "upstream sluice"},
      {"late balancing", "keepalive 64;", "keepalive 64; random two;", "random two"},
      {"unkept pass", "fastcgi_keep_conn on;", "fastcgi_keep_conn off;", "fastcgi_pass sluice"},
      {"unkept question", "fastcgi_store /dev/null/nothing;", "", "fastcgi_pass sluice"},
      {"max_fails", " max_fails=0", "", "server unix:"},
      {"intercepted", "fastcgi_intercept_errors off;", "fastcgi_intercept_errors on;",
       "fastcgi_intercept_errors on"},
      {"intercepted by proxy", "listen 80;",
       "listen 80; location /p/ { proxy_pass http://127.0.0.1:1; proxy_intercept_errors on; "
       "error_page 429 /x; }",
       "proxy_pass http://127.0.0.1:1"},
      {"unbuffered", "fastcgi_request_buffering on;", "fastcgi_request_buffering off;",
       "fastcgi_request_buffering off"},
      {"absent socket", "2.sock", "3.sock", "server unix:"},
      {"remote socket", "keepalive 64;", "server 10.0.0.1:9000 max_fails=0; keepalive 64;",
       "server 10.0.0.1:9000 max_fails=0"},
      {"remote socket", "keepalive 64;", "server 127.example:9000 max_fails=0; keepalive 64;",
       "server 127.example:9000 max_fails=0"},
  };
}

std::vector<Edit> bad_gates() {
  return {
      {"charged again", "auth_request_set $sluice_asked_before", "auth_request_set $asked",
       "location /"},
      {"charged again", kOwn, "auth_request /_sluice/gate; auth_request_set $sluice_denied 1;",
       "location /own/"},
      {"no status", "auth_request_set $sluice_denied", "auth_request_set $denied_of", "location /"},
      {"no path", "proxy_pass http://127.0.0.1:9000; }",
       "location /inner { proxy_pass http://127.0.0.1:9000; } }", "location /inner"},
      {"unmapped", "include sluice_denied.conf;\n            proxy", "proxy", "location /own/"},
      {"unmapped", "proxy_pass http://127.0.0.1:9000; }", "if ($a) { error_page 404 /x; } }",
       "if ($a)"},
      {"other mapping", "error_page 404 /gone;", "error_page 401 404 /gone;",
       "error_page 401 404 /gone"},
      {"no fields", "include sluice_fields.conf;\n", "\n", "location /own/"},
      {"no cors", "listen 80;", "listen 80; include sluice_cors.conf;", "location /own/"},
      {"claimed decision", "add_header X-Own 1;",
       "add_header X-Own 1; proxy_set_header Host $host;", "location /own/"},
      {"claimed decision", "proxy_pass http://127.0.0.1:9000; }", "fastcgi_pass php; }",
       "location /"},
      {"claimed decision", "proxy_pass http://127.0.0.1:9000; }",
       "uwsgi_pass php; uwsgi_param HTTP_X_DECISION_IDS 1; }", "location /"},
      {"claimed decision", "proxy_set_header X-Decision-ID $sluice_decision_id;", "", "location /"},
      {"unknown route", "$sluice_route items", "$sluice_route itmes", "set $sluice_route itmes"},
      {"unknown route", "map \"\" $sluice_route { default \"\"; }",
       "map $uri $sluice_route { hostnames; default \"\"; /a items; /b other; }", "/b other"},
      {"claimed fact", "$remote_user", "$http_x_user", "set $sluice_fact_user $http_x_user"},
      {"claimed fact", "$sluice_fact_user $remote_user", "$Sluice_Fact_User $http_x_user",
       "set $Sluice_Fact_User $http_x_user"},
      {"claimed fact", "$ssl_client_s_dn", "$arg_tenant", "map $dn_tenant $sluice_fact_tenant"},
      {"claimed fact", "set $sluice_fact_user $remote_user;",
       "if ($cookie_a = b) { set $sluice_fact_user b; }", "set $sluice_fact_user b"},
      {"claimed fact", "SLUICE_FACT_USER   $sluice_fact_user", "SLUICE_FACT_USER $HTTP_USER",
       "fastcgi_param SLUICE_FACT_USER $HTTP_USER"},
      {"untold fact", "$sluice_fact_user $remote_user", "$sluice_fact_org $remote_user",
       "set $sluice_fact_org $remote_user"},
      {"untold fact", "map $dn_tenant $sluice_fact_tenant", "map $dn_tenant $sluice_fact_Team",
       "map $dn_tenant $sluice_fact_Team"},
      {"untold fact", "SLUICE_FACT_USER   $sluice_fact_user", "SLUICE_FACT_USER $remote_user",
       "set $sluice_fact_user $remote_user"},
      {"answered first", "proxy_pass http://127.0.0.1:9000; }", "return 200 ok; }", "location /"},
      {"broken off", "set $sluice_route items;", "rewrite ^/own(.*)$ $1 break;",
       "rewrite ^/own(.*)$ $1 break"},
      {"broken off", "set $sluice_route items;", "break;", "break"},
      {"replaced field", "include sluice_hardening.conf;",
       "include sluice_hardening.conf; add_header Strict-Transport-Security max-age=1 always;",
       "add_header Strict-Transport-Security max-age=1 always"},
      {"replaced page", "include sluice_hardening.conf;",
       "include sluice_hardening.conf; error_page 404 500 /gone;", "error_page 404 500 /gone"},
  };
}

const std::vector<Edit>& bad() {
  static const std::vector<Edit> rows = [] {
    std::vector<Edit> all = bad_passes();
    for (const Edit& edit : bad_gates()) all.push_back(edit);
    return all;
  }();
  return rows;
}

// Those that have a test of their own below.
const std::set<std::string_view>& apart() {
  static const std::set<std::string_view> names{"two walks", "open socket", "nothing"};
  return names;
}

const Check& check_of(std::string_view name) {
  const auto all = checks();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Check& one) { return one.name == name; });
  EXPECT_NE(found, all.end()) << name;
  return *found;
}

class DoctorTest : public SiteFixture {
 protected:
  void expect_found(std::string_view check, std::string_view blamed) {
    const std::string lines = found();
    const bool warns = check_of(check).severity == Severity::kWarning;
    const std::string start = fmt::format(": {}{}", warns ? "warning: " : "", blamed);
    const std::string end = fmt::format(": {}", check_of(check).words);
    bool seen = false;
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t next = std::min(lines.find('\n', at), lines.size());
      const std::string line = lines.substr(at, next - at);
      seen = seen || (line.find(start) != std::string::npos && line.ends_with(end));
      at = next + 1;
    }
    EXPECT_TRUE(seen) << check << ": " << blamed << "\nin:\n" << lines;
  }
};

TEST_F(DoctorTest, FindsNothingInWhatIsShipped) {
  EXPECT_EQ(found(), "");
}

TEST_F(DoctorTest, FindsEachFaultAndBlamesItsDirective) {
  const std::string good = dump_;
  for (const Edit& edit : bad()) {
    dump_ = good;
    replace(edit.old, edit.by);
    expect_found(edit.check, edit.blamed);
  }
}

TEST_F(DoctorTest, EveryCheckHasABadConfig) {
  for (const Check& check : checks()) {
    const bool is_tried = std::any_of(bad().begin(), bad().end(),
                                      [&](const Edit& edit) { return edit.check == check.name; });
    EXPECT_NE(is_tried, apart().contains(check.name)) << check.name;
  }
}

TEST_F(DoctorTest, LeavesAloneWhatIsNoneOfItsBusiness) {
  const std::string good = dump_;
  const std::vector<std::pair<std::string_view, std::string_view>> edits{
      {"10.0.0.0/8", "10.0.0.0/8; set_real_ip_from 2001:db8::/32"},
      {"upstream php {", "upstream php { server 10.1.1.1:9000;"},
      {"listen 81;", "listen 81; set_real_ip_from 0.0.0.0/0; location /p { fastcgi_pass php; }"},
      {"fastcgi_pass php;",
       "fastcgi_pass php; fastcgi_intercept_errors on; error_page 401 /login;"},
      {"fastcgi_pass php;", "fastcgi_pass $backend;"},
      {kPass, "sluice_location.conf; set $pool sluice; fastcgi_pass $pool;"},
      {"location /free/ {",
       "location = /health { return 200; add_header A b; error_page 400 /b; }"
       " location /free/ {"},
      {"location /free/ {",
       "location /b/ { include sluice_gate.conf; if ($a) { set $b c; } }"
       " location /free/ {"},
      {"add_header X-Own 1;",
       "add_header X-Own 1; proxy_set_header Host $host; proxy_set_header x-decision-id "
       "$sluice_decision_id;"},
      {"proxy_pass http://127.0.0.1:9000; }",
       "fastcgi_pass php; fastcgi_param HTTP_X_DECISION_ID $sluice_decision_id if_not_empty; }"},
      {"listen 80;", "listen 80; include sluice_gate.conf; location /all/ { root /; }"},
      {"keepalive 64;",
       "server localhost:9000 max_fails=0; server [::1]:9 max_fails=0; "
       "keepalive 64;"},
      {"$sluice_route items", "$sluice_route $route_of"},
      {"$remote_user", "$jwt_claim_sub"},
      {"$remote_user", "$sluice_fact_tenant"},
      {"include sluice_hardening.conf;",
       "include sluice_hardening.conf; add_header ratelimit $sluice_ratelimit; error_page 401 /l;"},
      {"listen 80;", "listen 80; include sluice_gate.conf; location /ok { return 200; }"},
      {"proxy_pass http://127.0.0.1:9000; }", "rewrite ^/a(.*) $1 break; }"},
      {"set $sluice_route items;", "rewrite ^/a(.*) $1 last; if ($a) { break; }"},
      {"SLUICE_FACT_USER   $sluice_fact_user if_not_empty;",
       "SLUICE_FACT_USER $sluice_fact_user; set $sluice_fact_org $jwt_claim_org; fastcgi_param "
       "SLUICE_FACT_ORG ${sluice_fact_org} if_not_empty;"},
      {"real_ip_header", "map $http_a $idle { default 1; } real_ip_header"},
  };
  for (const auto& [old, by] : edits) {
    dump_ = good;
    replace(old, by);
    EXPECT_EQ(found(), "") << by;
  }
}

TEST_F(DoctorTest, TheOnlyServerIsNeverTakenOffTheList) {
  const std::string path = directory_.path();
  replace("    server unix:" + path + "/2.sock max_fails=0;\n", "");
  replace(" max_fails=0", "");
  EXPECT_EQ(found(), "");
}

TEST_F(DoctorTest, AProxyIsBelievedByOneOfTheTwo) {
  known_->trusts_proxies = true;
  expect_found("two walks", "set_real_ip_from 10.0.0.0/8");
  replace("set_real_ip_from 10.0.0.0/8;", "");
  replace("real_ip_header X-Forwarded-For;", "");
  EXPECT_EQ(found(), "");
}

TEST_F(DoctorTest, ASocketForEverybodyIsFound) {
  ::chmod((directory_.path() + "/1.sock").c_str(), 0666);
  expect_found("open socket", "server unix:" + directory_.path() + "/1.sock");
}

TEST_F(DoctorTest, WithoutAConfigRoutesAreNotJudged) {
  known_.reset();
  replace("$sluice_route items", "$sluice_route itmes");
  EXPECT_EQ(found(), "");
}

TEST_F(DoctorTest, AConfigThatAsksNothingIsAWarning) {
  dump_ = "# configuration file /n:\nhttp { server { location / { fastcgi_pass php:1; } } }\n";
  EXPECT_EQ(found(), "/n: warning: " + std::string(check_of("nothing").words));
}

TEST_F(DoctorTest, AFindingIsALineWithItsPlaceAndSaysWhatToDo) {
  replace("10.0.0.0/8", "0.0.0.0/0");
  EXPECT_THAT(found(),
              StartsWith("/etc/nginx/nginx.conf:8: set_real_ip_from 0.0.0.0/0: every client"));
  for (const Check& check : checks()) {
    EXPECT_THAT(std::string(check.words), testing::ContainsRegex("[;,] ")) << check.name;
  }
}

}  // namespace
}  // namespace sluice::doctor
