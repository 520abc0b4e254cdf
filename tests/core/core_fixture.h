// A host of the core that is no worker of FastCGI: a loop on epoll, a Redis, and a policy. Its
// tenant "acme" may ask five times on route "chat" in each session, and what is asked on "open" is
// let through while Redis is out.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "conformance/redis_server.h"
#include "http/problem.h"
#include "http/ratelimit_fields.h"
#include "log_file.h"
#include "policy/policy.h"
#include "policy/regions.h"
#include "runs_until.h"
#include "store/redis/redis_store.h"
#include "telemetry/task_failures.h"
#include "temporary_directory.h"

namespace sluice {

inline limits::PlanLimit five_a_day(
    const std::string& route, limits::OnStoreError on_store_error = limits::OnStoreError::kDeny) {
  return {.limit = {.name = route,
                    .tenant = "acme",
                    .scope = limits::Fact::kSession,
                    .rate = {5, {1, limits::Unit::kDay}},
                    .on_store_error = on_store_error},
          .routes = {route}};
}

class CoreFixture : public testing::Test {
 protected:
  void SetUp() override {
    redis::Link::Options options;
    options.uri.path = redis_.socket();
    options.wire.command_timeout = loop::Milliseconds(2'000);  // a busy machine is no error here
    link_.emplace(loop_, log_, options, store::kTakeScript);
    store_.emplace(loop_, *link_, log_);
    use(*store_, {five_a_day("chat"), five_a_day("open", limits::OnStoreError::kAllow)});
    link_->when_settled([this] { loop_.stop(); });
    loop_.run();
  }

  void use(store::BucketStore& store, std::vector<limits::PlanLimit> of_acme) {
    policy::Options options;
    options.plans =
        std::make_shared<limits::Plans>(std::vector<limits::PlanLimit>{},
                                        limits::Plans::TenantLimits{{"acme", std::move(of_acme)}});
    policy_ = std::make_shared<const policy::Policy>(
        std::move(options), 1,
        policy::Ground{.store = store,
                       .clock = link_->clock(),
                       .newcomers = shared_.memory(policy::kNewcomersRegion),
                       .tokens = tokens_,
                       .log = &log_,
                       .key_prefix = "sluice",
                       .about = {"1", "core", "redis"}});
  }

  // What a host does of a request: the answer's head, of 200 where it may pass.
  Task<http::Response> pass(std::string session, std::string route) {
    const std::vector<http::Param> headers{{"HTTP_X_TENANT_ID", "acme"},
                                           {"HTTP_X_SESSION_ID", session}};
    const std::string body = R"({"tenant_id":"acme","session_id":")" + session + R"("})";
    http::Request request;
    request.remote_address = "203.0.113.7";
    request.params = headers;
    request.body = body;
    const auto policy = policy_;
    const auto identity = policy->identities().resolve(request, identity::Credentials::kSession);
    const auto limits = policy->plans().limits_for(identity->tenant, route, identity->standing);
    const auto decision = co_await policy->limiter().decide(limits, *identity, route, 1);
    http::Response response =
        decision.allowed ? http::Response(200, "{}") : http::problem(decision);
    write_ratelimit_fields(decision, response);
    co_return response;
  }

  Task<void> keep_answer(std::string session, std::string route) {
    const auto response = co_await pass(std::move(session), std::move(route));
    answers_.push_back(response.serialize());
  }

  void ask(const std::string& session, const std::string& route = "chat") {
    tasks_.start("ask", keep_answer(session, route));
  }
  // Runs the loop until everything that was asked has its answer, or has ended without one.
  std::vector<std::string> answers() {
    loop::BeforeWait all_done(loop_, [this] {
      if (tasks_.running() == 0) loop_.stop();
    });
    loop_.run();
    return std::exchange(answers_, {});
  }
  std::string answer(const std::string& session, const std::string& route = "chat") {
    ask(session, route);
    return answers().at(0);
  }

  std::string open_session() {
    return tokens_.sign(
        identity::SessionTokens::create("acme", link_->clock().now() + std::chrono::hours(1)));
  }

  template <class Condition>
  bool runs_until(Condition holds) {
    return sluice::runs_until(loop_, std::move(holds));
  }

  [[nodiscard]] std::string logged() const { return log_file_.text(); }

  RedisServer redis_;
  SystemClock clock_;
  loop::Loop loop_;
  LogFile log_file_{clock_};
  telemetry::Log& log_ = log_file_.log();
  identity::SessionTokens tokens_{{identity::Secret{}}};
  TemporaryDirectory directory_;
  shm::Segment shared_ = *policy::open_regions(directory_.path() + "/shared", true, log_);
  std::optional<redis::Link> link_;
  std::optional<store::RedisStore> store_;
  std::shared_ptr<const policy::Policy> policy_;
  std::vector<std::string> answers_;
  TaskGroup tasks_{telemetry::log_failures(log_)};
};

}  // namespace sluice
