// A private redis-server on a unix socket, for as long as the object lives.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "temporary_directory.h"

namespace sluice {

class RedisServer {
 public:
  // Returns when it answers; throws when it does not start. `arguments` go to redis-server.
  explicit RedisServer(std::vector<std::string> arguments = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  [[nodiscard]] std::string socket() const { return directory_.path() + "/redis.sock"; }
  // Sends one inline command on a connection of its own; the raw reply.
  std::string command(const std::string& line) const;

  void start();
  void kill();          // SIGKILL
  void pause() const;   // SIGSTOP
  void resume() const;  // SIGCONT

 private:
  TemporaryDirectory directory_;
  std::vector<std::string> arguments_;
  pid_t pid_ = -1;
};

}  // namespace sluice
