#include "redis/fake_redis.h"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "limits/bytes.h"

namespace sluice::redis {
namespace {

UniqueFd listen_at(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    throw std::runtime_error("the fake Redis cannot listen");
  }
  return socket;
}

// Takes one header, as "*3" or "$5", off `bytes`; its number.
std::optional<std::size_t> take_header(std::string_view& bytes) {
  const std::size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::size_t number = std::stoul(std::string(bytes.substr(1, end - 1)));
  bytes.remove_prefix(end + 2);
  return number;
}

// Takes one command off `bytes`, if it is whole; its first word.
std::optional<std::string> take_command(std::string& bytes) {
  std::string_view rest(bytes);
  std::optional<std::string> first;
  const auto words = take_header(rest);
  for (std::size_t i = 0; words && i < *words; ++i) {
    const auto size = take_header(rest);
    if (!size || rest.size() < *size + 2) return std::nullopt;
    if (!first) first = rest.substr(0, *size);
    rest.remove_prefix(*size + 2);
  }
  if (first) bytes.erase(0, bytes.size() - rest.size());
  return first;
}

}  // namespace

FakeRedis::FakeRedis(loop::Loop& loop, const std::string& path)
    : loop_(loop),
      listener_(listen_at(path)),
      acceptable_(loop, listener_.get(), [this](loop::Readiness::Events) { accept(); }) {
  EXPECT_TRUE(acceptable_.watch(loop::Readiness::kRead));
}

void FakeRedis::accept() {
  auto client = std::make_unique<Client>();
  client->socket =
      UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!client->socket) return;
  ++accepted_;
  client->readable = std::make_unique<loop::Readiness>(
      loop_, client->socket.get(),
      [this, raw = client.get()](loop::Readiness::Events) { receive(*raw); });
  EXPECT_TRUE(client->readable->watch(loop::Readiness::kRead));
  clients_.push_back(std::move(client));
}

void FakeRedis::receive(Client& client) {
  std::array<char, 65536> buffer{};
  const ssize_t size = ::recv(client.socket.get(), buffer.data(), buffer.size(), 0);
  if (size <= 0) return forget(client);
  client.bytes.append(buffer.data(), static_cast<std::size_t>(size));
  while (const auto command = take_command(client.bytes)) {
    answer(client, *command);
    if (*command == closes_after) return forget(client);
  }
}

void FakeRedis::answer(Client& client, const std::string& command) {
  asked_.push_back(command);
  const auto found = replies.find(command);
  const std::string reply = found == replies.end() ? "-ERR unknown command\r\n" : found->second;
  static_cast<void>(::send(client.socket.get(), reply.data(), reply.size(), MSG_NOSIGNAL));
}

void FakeRedis::forget(const Client& client) {
  std::erase_if(clients_, [&](const auto& each) { return each.get() == &client; });
}

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string reply_of(std::int64_t at, std::uint16_t lacking, std::uint32_t used) {
  std::string bytes;
  limits::append_integer<std::int64_t>(bytes, at);
  limits::append_integer<std::uint16_t>(bytes, lacking);
  limits::append_integer<std::uint32_t>(bytes, used);
  limits::append_integer<std::int64_t>(bytes, at);
  return bytes;
}

}  // namespace sluice::redis
