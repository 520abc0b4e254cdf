#include "nginx/module/gate.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/recycled.h"
#include "base/thrown.h"
#include "engine.h"
#include "http/problem.h"
#include "nginx/module/gate_impl.h"
#include "nginx/module/loop_impl.h"
#include "not_passed.h"
#include "routes.h"
#include "telemetry/counters.h"
#include "telemetry/task_failures.h"

using sluice::Engine;
using sluice::Task;
using sluice::nginx::guarded;
using sluice::nginx::text;
using sluice::nginx::view;

// The names that gate.h gives to C.
// NOLINTBEGIN(readability-identifier-naming)
struct sluice_engine {
  sluice::loop::Loop loop;
  unsigned patience;
  std::vector<std::string_view> own_routes = sluice::route_names();  // a worker has them too
  Engine engine;

  explicit sluice_engine(const sluice_config& config)
      : patience(2 * static_cast<unsigned>(
                         config.loaded.deployment.store.redis.wire.command_timeout.count()) +
                 1000),
        engine(loop, config.loaded,
               {.pool = "nginx", .shared = config.shared ? &*config.shared : nullptr},
               config.secrets.all) {}
};

struct sluice_ask : sluice::Recycled {
  std::string names = {};  // of the parameters
  std::vector<sluice::http::Param> params = {};
  sluice::http::Request request = {};
  sluice::telemetry::Told told = {};
  sluice::http::Response response = {};
  std::string content_type = {};
  bool is_answered = false;
  bool is_awaited = false;
  void (*on_answer)(void* data);
  void* data;
  sluice::TaskGroup tasks;

  sluice_ask(sluice::telemetry::Log& log, void (*function)(void* data), void* argument)
      : on_answer(function), data(argument), tasks(sluice::telemetry::log_failures(log)) {}
};
// NOLINTEND(readability-identifier-naming)

namespace {

// What a worker is told besides headers and facts: nginx/sluice_params, and in
// nginx/sluice_question.conf whether it is the gate, and the path; and the route, where it is
// named.
constexpr std::size_t kOtherParams = 8;

void append_name(std::string& names, std::string_view prefix, std::string_view name) {
  const std::size_t begin = names.append(prefix).size();
  names.append(name);
  for (char& c : std::span(names).subspan(begin)) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
}

// What a worker would have of FastCGI's parameters.
void add(sluice_ask& ask, std::size_t most, std::string_view prefix, const sluice_pair_t& pair) {
  const std::size_t begin = ask.names.size();
  append_name(ask.names, prefix, view(pair.name));
  const std::string_view name = std::string_view(ask.names).substr(begin);
  if (std::find(kNotPassed.begin(), kNotPassed.end(), name) != kNotPassed.end()) {
    ask.names.resize(begin);
  } else if (ask.params.size() < most) {
    ask.params.push_back({name, view(pair.value)});
  } else {
    ask.request.too_many_params = true;
  }
}

void fill(sluice_ask& ask, const sluice_request_t& from) {
  constexpr std::string_view kHeader = "HTTP_";
  constexpr std::string_view kFact = "SLUICE_FACT_";
  const std::span headers(from.headers, from.header_count);
  const std::span facts(from.facts, from.fact_count);
  std::size_t bytes = 0;
  for (const auto& header : headers) bytes += kHeader.size() + header.name.length;
  for (const auto& fact : facts) bytes += kFact.size() + fact.name.length;
  ask.names.reserve(bytes);  // the parameters point into it
  const std::size_t others = kOtherParams + (from.route.length > 0 ? 1 : 0);
  const std::size_t most = sluice::http::Request::kMaxParams - others;
  ask.params.reserve(std::min(headers.size() + facts.size(), most));
  for (const auto& fact : facts) {
    if (fact.value.length > 0) add(ask, most, kFact, fact);
  }
  for (const auto& header : headers) add(ask, most, kHeader, header);
  ask.request.method = view(from.method);
  ask.request.path = view(from.path);
  ask.request.remote_address = view(from.address);
  ask.request.gated_route = view(from.route);
  ask.request.is_gated = true;
  ask.request.params = ask.params;
}

// As in nginx/sluice_fields.conf: of a request that may pass, the answer is the application's. On
// our own routes it is a worker's.
void show(sluice_ask& ask) {
  if (ask.response.is_success()) {
    static_cast<void>(ask.response.take("Cache-Control"));
  } else {
    ask.content_type = ask.response.take("Content-Type");
  }
  if (!ask.told.hands_over) static_cast<void>(ask.response.take("X-RateLimit-Shadow"));
}

Task<void> run(Engine& engine, sluice_ask& ask) {
  try {
    ask.response = co_await engine.answer(ask.request, &ask.told);
  } catch (...) {
    engine.log().error("handler failed", {{"reason", sluice::thrown()}});
    ask.response = sluice::http::problem(sluice::Error{sluice::ErrorCode::kInternal});
  }
  show(ask);
  ask.is_answered = true;
  if (ask.is_awaited) ask.on_answer(ask.data);
}

}  // namespace

sluice_engine_t* sluice_engine_start(const sluice_config_t* config, sluice_reason_t* why) {
  return guarded(why, [&] { return new sluice_engine(*config); });
}

void sluice_engine_stop(sluice_engine_t* engine) {
  sluice_reason_t ignored;
  guarded(&ignored, [&]() -> void* {
    engine->engine.drop("nginx's worker exits");
    delete engine;
    return nullptr;
  });
}

unsigned sluice_engine_patience(const sluice_engine_t* engine) {
  return engine->patience;
}

sluice_ask_t* sluice_ask_begin(sluice_engine_t* engine, const sluice_request_t* request,
                               void (*on_answer)(void* data), void* data) {
  sluice_reason_t ignored;
  return guarded(&ignored, [&] {
    auto ask = std::make_unique<sluice_ask>(engine->engine.log(), on_answer, data);
    fill(*ask, *request);
    const auto& own = engine->own_routes;
    const bool is_own = std::find(own.begin(), own.end(), view(request->route)) != own.end();
    ask->request.is_handed_over = ask->told.hands_over = is_own;
    engine->loop.impl().entered();
    ask->tasks.start("answer a request", run(engine->engine, *ask));
    ask->is_awaited = true;
    return ask.release();
  });
}

int sluice_ask_answer(const sluice_ask_t* ask, sluice_answer_t* answer) {
  if (!ask->is_answered) return 0;
  const auto outcome = static_cast<std::size_t>(ask->told.outcome);
  answer->status = ask->response.status();
  answer->allowed = ask->response.is_success() ? 1 : 0;
  answer->content_type = text(ask->content_type);
  answer->body = text(ask->response.body());
  answer->fields = text(ask->response.fields());
  answer->outcome = text(sluice::telemetry::kOutcomes.at(outcome));
  answer->route = text(ask->told.route);
  answer->tenant = text(ask->told.tenant);
  answer->handed_over = text(ask->told.handed_over);
  return 1;
}

void sluice_ask_end(sluice_ask_t* ask) {
  delete ask;
}
