// A server whose answers come in pieces, as a test says them.
#pragma once

#include <coroutine>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>

#include "fcgi/server_fixture.h"

namespace sluice::fcgi {

// What a body says, and what became of it.
struct Script {
  std::deque<Result<std::string>> pieces;
  std::string for_ever;  // said where there are no pieces, unless it is empty: then it waits
  bool throws = false;   // instead of waiting
  bool throws_a_number = false;
  std::size_t asked = 0;      // calls of next()
  std::size_t destroyed = 0;  // bodies
  bool drained = false;
  std::coroutine_handle<> waiting;

  void say(Result<std::string> piece) {
    pieces.push_back(std::move(piece));
    if (waiting) std::exchange(waiting, nullptr).resume();
  }
};

class ScriptedBody : public http::BodyStream {
 public:
  explicit ScriptedBody(Script& script) : script_(script) {}
  ~ScriptedBody() override { ++script_.destroyed; }
  ScriptedBody(const ScriptedBody&) = delete;
  ScriptedBody& operator=(const ScriptedBody&) = delete;

  Task<Result<std::string>> next() override {
    ++script_.asked;
    if (script_.throws) throw std::runtime_error("a stream");
    if (script_.throws_a_number) throw 1;
    if (script_.pieces.empty() && !script_.for_ever.empty()) co_return script_.for_ever;
    co_await Wait{script_};
    Result<std::string> piece = std::move(script_.pieces.front());
    script_.pieces.pop_front();
    co_return piece;
  }

  void drain() override {
    script_.drained = true;
    script_.say("bye");
    script_.say("");
  }

 private:
  struct Wait {
    explicit Wait(Script& the_script) : script(the_script) {}
    ~Wait() { script.waiting = nullptr; }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    [[nodiscard]] bool await_ready() const { return !script.pieces.empty(); }
    void await_suspend(std::coroutine_handle<> handle) const { script.waiting = handle; }
    void await_resume() const {}
    Script& script;
  };

  Script& script_;
};

inline constexpr loop::Milliseconds kMaxIdle{200};
inline constexpr std::size_t kMaxBuffered = 16'384;
inline constexpr std::size_t kPiece = 4096;
inline constexpr std::size_t kTooMuch = 10'000'000;  // of an answer
inline constexpr std::size_t kPieceRecord = kPiece + 8;
inline constexpr std::string_view kHead =
    "Status: 200 OK\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n\r\n";
inline constexpr std::size_t kHeadRecord = 8 + (kHead.size() + 7) / 8 * 8;
// FCGI_UNKNOWN_TYPE: an error to nginx, which would take a mere close for the end.
inline const std::string kBrokenOff = record(11, std::string(8, '\0'), 0);

inline const std::string kStreamed = request({{"DOCUMENT_URI", "/"}});
inline const std::string kHeld = request({{"DOCUMENT_URI", "/held"}});
inline const std::string kPlain = request({{"DOCUMENT_URI", "/plain"}}, "a string");

// Requests are answered by what the script says.
class BodyStreamFixture : public ServerFixture {
 protected:
  BodyStreamFixture()
      : ServerFixture(
            {.bounds = {}, .streams = {.max_buffered = kMaxBuffered, .max_idle = kMaxIdle}}) {}

  Task<http::Response> answer(const http::Request& request) override {
    if (request.path == "/plain") co_return http::Response(200, std::string(request.body));
    if (request.path == "/held") co_await Held{*this};
    co_return http::Response(200, std::make_unique<ScriptedBody>(script_), "text/plain");
  }

  struct Held {
    BodyStreamFixture& test;
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { test.held_ = handle; }
    void await_resume() const {}
  };

  // All that comes until the answer is whole, or the peer closes.
  std::string receive_all(const UniqueFd& socket) {
    std::string all;
    while (!ends_in_its_last_record(all) && all.size() < kTooMuch) {
      const std::string part = receive(socket);
      if (part == "closed") return all;
      if (part == "nothing came") return all + part;
      all += part;
    }
    return all;
  }

  // A client that asks for the body, and reads nothing of it.
  UniqueFd ask_and_read_nothing(const std::string& request = kStreamed) {
    UniqueFd socket = connect();
    send(socket, request);
    turn();
    return socket;
  }

  // Turns the loop until no further piece is asked for.
  void turn_until_full() {
    std::size_t before = 0;
    do {
      before = script_.asked;
      turn();
    } while (script_.asked != before);
  }

  // Bytes that the kernel holds for the client.
  static std::size_t in_kernel(const UniqueFd& socket) {
    int size = 0;
    EXPECT_EQ(::ioctl(socket.get(), FIONREAD, &size), 0);
    return static_cast<std::size_t>(size);
  }

  Script script_;
  std::coroutine_handle<> held_;
};

}  // namespace sluice::fcgi
