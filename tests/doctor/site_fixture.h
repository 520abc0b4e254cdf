// The config of an nginx with all that Sluice ships for it, as nginx -T prints it.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "doctor/doctor.h"
#include "fcgi/listener.h"
#include "temporary_directory.h"

namespace sluice::doctor {

inline constexpr std::string_view kSite = R"(events {}
http {
    include sluice_hardening.conf;
    include sluice_http.conf;
    map $ssl_client_s_dn $dn_tenant { default ""; CN=acme acme; }
    map $dn_tenant $sluice_fact_tenant { default ""; acme acme; }
    real_ip_header X-Forwarded-For;
    set_real_ip_from 10.0.0.0/8;
    upstream php { server unix:/run/php.sock; }
    server {
        listen 80;
        include sluice_server.conf;
        location / { include sluice_gate.conf; proxy_pass http://127.0.0.1:9000; }
        location /own/ {
            set $sluice_route items; set $sluice_fact_user $remote_user;
            include sluice_gate.conf;
            add_header X-Own 1;
            error_page 404 /gone;
            include sluice_fields.conf;
            include sluice_denied.conf;
            proxy_pass http://127.0.0.1:9000;
        }
        location /free/ { auth_request off; add_header X-Free 1; error_page 404 /gone; }
        location /php/ {
            fastcgi_pass php; fastcgi_request_buffering off;
            fastcgi_param HTTP_X_DECISION_ID $sluice_decision_id if_not_empty;
        }
    }
    server {
        listen 8003;
        include sluice_errors.conf;
        location / { include sluice_params; include sluice_location.conf; fastcgi_pass sluice; }
    }
    server { listen 81; underscores_in_headers on; return 204; }
}
)";

class SiteFixture : public ::testing::Test {
 protected:
  SiteFixture() {
    for (const char* const name : {"1.sock", "2.sock"}) {
      sockets_.push_back(fcgi::listen_at(directory_.path() + "/" + name).value());
    }
    dump_ = "# configuration file /etc/nginx/nginx.conf:\n" + std::string(kSite) + "\n";
    for (const char* const name :
         {"sluice_hardening.conf", "sluice_http.conf", "sluice_server.conf", "sluice_question.conf",
          "sluice_gate.conf", "sluice_fields.conf", "sluice_denied.conf", "sluice_errors.conf",
          "sluice_error_pages.conf", "sluice_error_answers.conf", "sluice_params",
          "sluice_location.conf", "sluice_cors.conf"}) {
      std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/nginx/" + name);
      dump_ += fmt::format("# configuration file /etc/nginx/{}:\n", name);
      dump_.append(std::istreambuf_iterator<char>(file), {}).append("\n");
    }
    for (const char* const name : {"1.sock", "2.sock"}) {
      replace(std::string("/run/sluice/") + name, directory_.path() + "/" + name);
    }
  }

  // The first `old` in the dump.
  void replace(std::string_view old, std::string_view by) {
    const std::size_t at = dump_.find(old);
    ASSERT_NE(at, std::string::npos) << old;
    dump_.replace(at, old.size(), by);
  }

  // What is found, findings first.
  std::string found() {
    const auto tree = nginx_config::read_dump(dump_, "dump");
    EXPECT_TRUE(tree) << tree.error().detail;
    config::Report report;
    if (tree) examine(Site(*tree, known_), *tree, report);
    const std::string findings = report.text();
    return findings + (findings.empty() ? "" : "\n") + report.warnings();
  }

  TemporaryDirectory directory_;
  std::vector<UniqueFd> sockets_;
  std::optional<Known> known_ = Known{{"items"}, false};
  std::string dump_;
};

}  // namespace sluice::doctor
