#include "redis/endpoints.h"

#include <utility>

#include <fmt/format.h>

namespace sluice::redis {

Endpoints::Endpoints(loop::Loop& loop, Options options, Found found)
    : loop_(loop),
      options_(std::move(options)),
      found_(std::move(found)),
      give_up_(loop, [this] { settle("the look-up timed out"); }) {}

void Endpoints::find() {
  is_wanted_ = true;
  give_up_.start(last_good_.empty() ? options_.first_patience : options_.patience);
  if (look_up_) return;  // of an attempt before
  look_up_ = std::make_unique<loop::Resolve>(
      loop_, options_.host, options_.port,
      [this](Result<std::vector<loop::SocketAddress>> answer) { on_answer(std::move(answer)); });
}

// One that comes too late is good for the next attempt.
void Endpoints::on_answer(Result<std::vector<loop::SocketAddress>> answer) {
  look_up_.reset();
  if (answer && !answer->empty()) last_good_ = std::move(*answer);
  if (is_wanted_) settle(answer ? "no address" : answer.error().detail);
}

void Endpoints::settle(const std::string& why_not) {
  is_wanted_ = false;
  give_up_.stop();
  if (!last_good_.empty()) return found_(last_good_);
  found_(fail(ErrorCode::kStoreUnavailable, fmt::format("{}: {}", options_.host, why_not)));
}

}  // namespace sluice::redis
