#include "conformance/redis_server.h"

#include <array>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace sluice {
namespace {

UniqueFd connect_to(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), path.size());
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  return socket;
}

// Bulk strings may come in pieces; no test asks for an array that does.
bool is_whole(const std::string& reply) {
  const std::size_t line = reply.find("\r\n");
  if (line == std::string::npos) return false;
  if (reply.front() != '$' || reply[1] == '-') return true;
  return reply.size() >= line + 2 + std::stoul(reply.substr(1, line)) + 2;
}

}  // namespace

RedisServer::RedisServer(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
  start();
}

RedisServer::~RedisServer() {
  kill();
}

void RedisServer::start() {
  std::vector<std::string> words{"redis-server",
                                 "--port",
                                 "0",
                                 "--unixsocket",
                                 socket(),
                                 "--save",
                                 "",
                                 "--daemonize",
                                 "no",
                                 "--dir",
                                 directory_.path(),
                                 "--logfile",
                                 directory_.path() + "/log",
                                 "--maxmemory-policy",
                                 "noeviction"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    execvp(argv[0], argv.data());
    _exit(127);
  }
  // Ready is when it accepts: asked until then, for at most ten seconds.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!connect_to(socket())) {
    if (std::chrono::steady_clock::now() > deadline || waitpid(pid_, nullptr, WNOHANG) != 0) {
      throw std::runtime_error("redis-server does not start; is it installed?");
    }
    std::this_thread::yield();
  }
}

std::string RedisServer::command(const std::string& line) const {
  const UniqueFd connection = connect_to(socket());
  const std::string text = line + "\r\n";
  if (::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return "";
  std::string reply;
  std::array<char, 65536> buffer{};
  while (!is_whole(reply)) {
    const ssize_t size = ::recv(connection.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) break;
    reply.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return reply;
}

void RedisServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::pause() const {
  ::kill(pid_, SIGSTOP);
}

void RedisServer::resume() const {
  ::kill(pid_, SIGCONT);
}

}  // namespace sluice
