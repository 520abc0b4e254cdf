// A Redis that a test plays: on a unix socket, in the test's own loop, answering as it is told.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "loop/loop.h"
#include "store/redis/redis_store.h"

namespace sluice::redis {

// The bytes of a bulk string.
std::string bulk(std::string_view text);

class FakeRedis {
 public:
  FakeRedis(loop::Loop& loop, const std::string& path);

  // The reply to a command, by its first word. Nothing is said to a command that is answered with
  // nothing, and what is not here is an error. At first it lets everybody log in.
  std::map<std::string, std::string, std::less<>> replies{
      {"AUTH", "+OK\r\n"},
      {"SELECT", "+OK\r\n"},
      {"SCRIPT", bulk(store::kTakeScript.sha())},
      {"TIME", "*2\r\n$10\r\n1800000000\r\n$1\r\n0\r\n"},
      {"INFO", "$0\r\n\r\n"},
  };
  std::string closes_after;  // closes a connection that has sent this command, and was answered

  // How many connections were made, and the first words of all commands, in order.
  [[nodiscard]] int accepted() const { return accepted_; }
  [[nodiscard]] const std::vector<std::string>& asked() const { return asked_; }
  void hang_up() { clients_.clear(); }

 private:
  struct Client {
    UniqueFd socket;
    std::string bytes;
    std::unique_ptr<loop::Readiness> readable;  // before the socket is closed, it goes
  };

  void accept();
  void receive(Client& client);
  void answer(Client& client, const std::string& command);
  void forget(const Client& client);

  loop::Loop& loop_;
  UniqueFd listener_;
  loop::Readiness acceptable_;
  std::vector<std::unique_ptr<Client>> clients_;
  int accepted_ = 0;
  std::vector<std::string> asked_;
};

// What take.lua returns for one charge of one unit under a fixed window (take.lua has the format):
// the time in microseconds, which bucket lacks room, and how much of the quota is used.
std::string reply_of(std::int64_t at, std::uint16_t lacking, std::uint32_t used);

}  // namespace sluice::redis
