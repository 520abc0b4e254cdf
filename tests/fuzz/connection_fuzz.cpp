// A whole worker on a socket: the real loop, Connection and serve(), asked by a gateway.
//
// What is well formed is answered, once; all else closes the connection and nothing more.
#include <array>
#include <cerrno>
#include <coroutine>
#include <set>
#include <string>

#include <sodium.h>
#include <sys/socket.h>

#include "fcgi/connection.h"
#include "fuzz/fastcgi.h"
#include "fuzz/harness.h"
#include "fuzz/worker.h"

namespace sluice::fuzz {
namespace {

// How a gateway behaves, as an input has it.
struct Manners {
  fcgi::RecordScanner::Options bounds;
  bool slow_handler = false;       // the handler waits a turn
  std::size_t hangs_up_after = 0;  // that many pieces; 0: never
  std::string_view sizes;          // of the pieces in which bytes are sent, over and over
};

class Gateway {
 public:
  explicit Gateway(const Manners& manners) : manners_(manners) {
    std::array<int, 2> pair{};
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) == 0,
            "a pair of sockets");
    socket_ = UniqueFd(pair[0]);
    connection_ = std::make_unique<fcgi::Connection>(context_, UniqueFd(pair[1]));
    require(static_cast<bool>(connection_->begin()), "a connection that is watched");
  }
  ~Gateway() {
    turn();
    if (!closed_) connection_->drain();
    require(closed_ == 1, "a connection ends once");
  }
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  void run(std::string_view bytes) {
    for (;;) {
      const Decoded request = Decoder(bytes, manners_.bounds).decode();
      if (request.verdict != Verdict::kComplete) break;
      if (!send(bytes.substr(0, request.size))) return;
      const std::string answer = receive_answer(request.id);
      expect_response(answer);
      bytes.remove_prefix(request.size);
      if (!request.keep) return expect_closed();
    }
    if (!send(bytes)) return;
    ::shutdown(socket_.get(), SHUT_WR);
    expect_closed();
  }

 private:
  static constexpr int kManyTurns = 64;

  struct Held {
    Gateway& gateway;
    [[nodiscard]] bool await_ready() const { return !gateway.manners_.slow_handler; }
    void await_suspend(std::coroutine_handle<> handle) const { gateway.held_ = handle; }
    void await_resume() const {}
  };

  Task<http::Response> answer(const http::Request& request) {
    co_await Held{*this};
    co_return co_await worker_.serve(request);
  }

  // One turn of the loop, without waiting; then a handler that waits goes on.
  void turn() {
    loop::BeforeWait stop(loop_, [this] { loop_.stop(); });
    loop_.run();
    if (held_) std::exchange(held_, nullptr).resume();
  }

  // In pieces, each of which the worker sees alone. False after hanging up.
  bool send(std::string_view bytes) {
    for (int stalled = 0; !bytes.empty() && closed_ == 0; ++stalled) {
      if (manners_.hangs_up_after > 0 && pieces_ == manners_.hangs_up_after) {
        socket_.reset();
        turn();
        return false;
      }
      const auto& sizes = manners_.sizes;
      const std::size_t size = sizes.empty()
                                   ? bytes.size()
                                   : static_cast<unsigned char>(sizes[pieces_ % sizes.size()]) + 1U;
      const std::string_view piece = bytes.substr(0, size);
      const ssize_t sent = ::send(socket_.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
        ++pieces_;
        stalled = 0;
      }
      require(stalled < kManyTurns, "a worker takes what it is sent");
      turn();
    }
    return true;
  }

  // What comes until the answer is whole, or the worker closes.
  std::string receive_answer(unsigned id) {
    std::string bytes;
    for (int turns = 0; turns < kManyTurns; ++turns) {
      if (!receive(bytes)) break;
      const std::string answer = read_answer(bytes, id);
      if (answer != "(broken)") return answer;
      turn();
    }
    require(false, "what is well formed is answered", bytes);
    return bytes;
  }

  // Appends what is there. False at the end.
  bool receive(std::string& bytes) {
    std::array<char, 65536> buffer;
    const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) bytes.append(buffer.data(), static_cast<std::size_t>(size));
    return size > 0 || (size < 0 && errno == EAGAIN);
  }

  void expect_closed() {
    turn();
    turn();
    std::string bytes;
    require(!receive(bytes), "the connection is closed");
    require(bytes.empty(), "what is no request is not answered", bytes);
    require(closed_ == 1, "the worker knows that it is over");
  }

  static void expect_response(std::string_view answer) {
    static const std::set<std::string_view> kStatuses{"200", "201", "400", "401", "403",
                                                      "404", "405", "413", "415", "429"};
    require(answer.starts_with("Status: "), "an answer begins with its status", answer);
    require(kStatuses.contains(answer.substr(8, 3)), "nothing a client sends is our fault", answer);
    const std::size_t end = answer.find("\r\n\r\n");
    require(end != std::string_view::npos, "its fields end", answer);
    const std::string_view body = answer.substr(end + 4);
    const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    require(answer.substr(0, end + 2).find(length) != std::string_view::npos,
            "it says how long its body is", answer);
    require(http::JsonObject::parse(body).has_value(), "its body is JSON", answer);
    for (const char c : answer.substr(0, end)) {
      require(c >= ' ' || c == '\r' || c == '\n', "fields are text", answer);
    }
  }

  Manners manners_;
  Worker worker_;
  loop::Loop loop_;
  telemetry::Log log_{-1, worker_.clock(), {}};
  fcgi::Handler handler_ = [this](const http::Request& request) { return answer(request); };
  int closed_ = 0;
  std::vector<std::unique_ptr<http::BodyStream>> ended_streams_;
  fcgi::Connection::Context context_{loop_,
                                     log_,
                                     handler_,
                                     manners_.bounds,
                                     {},
                                     ended_streams_,
                                     [this](fcgi::Connection& /*connection*/) { ++closed_; }};
  UniqueFd socket_;
  std::unique_ptr<fcgi::Connection> connection_;
  std::coroutine_handle<> held_;
  std::size_t pieces_ = 0;
};

// Session ids that are random are not found again.
const char* name() {
  return "zeros";
}
std::uint32_t zero() {
  return 0;
}
void zeros(void* const buffer, const std::size_t size) {
  std::memset(buffer, 0, size);
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  using namespace sluice;
  static randombytes_implementation zeros{fuzz::name, fuzz::zero,  nullptr,
                                          nullptr,    fuzz::zeros, nullptr};
  randombytes_set_implementation(&zeros);
  fuzz::require(fcgi::initialize_libfcgi().has_value(), "libfcgi starts");
  return 0;
}

// A byte for the bounds and the manners, one for hanging up, the number of sizes, the sizes of
// pieces; the rest is what a gateway sends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  fuzz::Manners manners;
  const unsigned kind = input.byte();
  if ((kind & 1U) != 0) manners.bounds.max_params_bytes = 512;
  if ((kind & 2U) != 0) manners.bounds.max_body_bytes = 24;
  manners.slow_handler = (kind & 4U) != 0;
  manners.hangs_up_after = input.byte();
  manners.sizes = input.bytes(input.byte());
  fuzz::Gateway(manners).run(input.rest());
  return 0;
}
