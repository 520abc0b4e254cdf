// A module of nginx's that runs the tests of what loop/loop.h promises in the place of a worker,
// and exits as they end. Their options are in SLUICE_TEST_OPTIONS.
#include <cstdlib>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "loop/loop.h"
#include "nginx/module/ngx_event.h"

namespace sluice::loop {
namespace {

bool is_stopped = false;

// Whether a descriptor is watched, beside those that nginx had before, or a timer set.
bool is_alive() {
  static const ngx_uint_t idle = ngx_cycle->free_connection_n;
  const bool has_timer = ngx_event_timer_rbtree.root != ngx_event_timer_rbtree.sentinel;
  return has_timer || ngx_cycle->free_connection_n < idle;
}

ngx_cycle_t* cycle() {
  return const_cast<ngx_cycle_t*>(ngx_cycle);  // NOLINT(*-const-cast): nginx gives it away so
}

}  // namespace

// What a host of its own loop leaves out.
void Loop::run() {
  while (!is_stopped && is_alive()) ngx_process_events_and_timers(cycle());
  is_stopped = false;
}

void Loop::stop() {
  is_stopped = true;
}

namespace {

ngx_int_t run_tests(ngx_cycle_t* /*cycle*/) {
  static_cast<void>(is_alive());
  const char* given = std::getenv("SLUICE_TEST_OPTIONS");
  std::istringstream words(given ? given : "");
  std::vector<std::string> options{"loop_test"};
  options.insert(options.end(), std::istream_iterator<std::string>(words), {});
  std::vector<char*> pointers;
  for (std::string& option : options) pointers.push_back(option.data());
  pointers.push_back(nullptr);
  int count = static_cast<int>(options.size());
  testing::InitGoogleTest(&count, pointers.data());
  std::exit(RUN_ALL_TESTS());
}

ngx_core_module_t context{ngx_string("sluice_loop_test"), nullptr, nullptr};
ngx_command_t commands[] = {ngx_null_command};

}  // namespace
}  // namespace sluice::loop

extern "C" {
ngx_module_t sluice_loop_test_module = {NGX_MODULE_V1,
                                        &sluice::loop::context,
                                        sluice::loop::commands,
                                        NGX_CORE_MODULE,
                                        nullptr,
                                        nullptr,
                                        sluice::loop::run_tests,
                                        nullptr,
                                        nullptr,
                                        nullptr,
                                        nullptr,
                                        NGX_MODULE_V1_PADDING};
ngx_module_t* ngx_modules[] = {&sluice_loop_test_module, nullptr};
char module_name[] = "sluice_loop_test_module";
char* ngx_module_names[] = {module_name, nullptr};
char* ngx_module_order[] = {nullptr};
}
