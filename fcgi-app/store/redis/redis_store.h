// Buckets in Redis: one EVALSHA of take.lua per decision, shared by all workers of all hosts.
#pragma once

#include "store/redis/connection.h"
#include "store/store.h"

namespace sluice::store::redis {

// The text of take.lua, embedded by the build.
extern const std::string_view kTakeScript;

class RedisStore final : public BucketStore {
 public:
  // `connection` was given kTakeScript and outlives the store; `log` too.
  RedisStore(Connection& connection, telemetry::Log& log) : connection_(connection), log_(log) {}

  [[nodiscard]] Task<Result<limits::Decision>> take(std::span<const limits::Charge> charges,
                                                    std::optional<TimePoint> now) override;

 private:
  [[nodiscard]] Task<Result<Reply>> evaluate(std::vector<std::string_view> arguments);
  [[nodiscard]] Error on_error_reply(std::string_view text);

  Connection& connection_;
  telemetry::Log& log_;
  std::optional<TimePoint> fault_logged_at_;
};

}  // namespace sluice::store::redis
