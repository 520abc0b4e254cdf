// The addresses of a host, looked up anew for each attempt: a service may have moved. While its
// name cannot be looked up, those of the last time are as good as any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "loop/loop.h"

namespace sluice::redis {

class Endpoints {
 public:
  struct Options {
    std::string host;
    int port = 0;
    // How long a look-up may take, in which it is worth waiting for; and the first of all.
    loop::Milliseconds patience;
    loop::Milliseconds first_patience;
  };
  // Addresses, one at least; or kStoreUnavailable, with the host and the reason.
  using Found = loop::Resolve::Done;

  Endpoints(loop::Loop& loop, Options options, Found found);

  // Calls back once, from the loop. REQUIRES: no other call of it is waiting.
  void find();

 private:
  void on_answer(Result<std::vector<loop::SocketAddress>> answer);
  void settle(const std::string& why_not);

  loop::Loop& loop_;
  Options options_;
  Found found_;
  bool is_wanted_ = false;
  std::vector<loop::SocketAddress> last_good_;
  // One at a time: a loop may give a thread to each, for seconds where a name server is silent.
  std::unique_ptr<loop::Resolve> look_up_;
  loop::Timer give_up_;
};

}  // namespace sluice::redis
