// Buckets in Redis, shared by all workers of all hosts: one call of take.lua for the decisions of a
// loop turn, 64 at most; another, if the first has not lasted its time, where the script says why
// it charged nothing. One call holds keys of several tenants, so this is for a single Redis, not a
// Cluster.
#pragma once

#include <coroutine>
#include <list>
#include <vector>

#include "base/task_group.h"
#include "redis/link.h"
#include "store/store.h"

namespace sluice::store {

// take.lua, embedded by the build.
extern const redis::Script kTakeScript;

class RedisStore final : public BucketStore {
 public:
  // `link` was given kTakeScript and outlives the store; `loop` and `log` too.
  RedisStore(loop::Loop& loop, redis::Link& link, telemetry::Log& log);

  // Waits for the end of the turn, so that the decisions of other requests come along. Whoever
  // waits may be destroyed meanwhile: before the call has left, its decision leaves the call; after
  // that it is charged, and its part of the reply is read and dropped. REQUIRES: the store outlives
  // the task.
  [[nodiscard]] Task<Result<limits::Decision>> take(limits::Ask ask,
                                                    std::optional<TimePoint> now) override;
  [[nodiscard]] Task<Result<std::optional<std::string>>> read(std::string_view key) override;
  [[nodiscard]] Task<Result<std::int64_t>> reset(std::span<const std::string> keys) override;

  // What Redis said last that is a bug of ours, or somebody else's data; empty if nothing was.
  [[nodiscard]] const std::string& last_fault() const { return last_fault_; }

  // Sends at once what else leaves at the end of the loop's turn.
  void flush();

 private:
  struct Batch;
  // A decision that waits in the frame of its take().
  struct Waiting {
    limits::Ask ask;
    std::coroutine_handle<> resume = nullptr;  // nullptr once it has its answer
    Result<limits::Decision> result = fail(ErrorCode::kStoreUnavailable);
    Batch* batch = nullptr;  // that it left with
  };
  // Stands in a batch for a decision whose caller is gone: what it takes to read the reply.
  struct Gone {
    explicit Gone(const Waiting& left);
    std::vector<limits::Limit> limits;
    std::vector<limits::Charge> charges;
    std::vector<limits::Bar> bars;
    std::optional<limits::Mark> mark;
    Waiting waiting;
  };
  // Decisions that travel together; they share one time.
  struct Batch {
    std::optional<TimePoint> now;
    std::vector<Waiting*> waiting;
    std::list<Gone> gone;  // some of those that wait
  };
  // What take() awaits: joins the batch, is resumed when the batch has its answer.
  struct Join;

  [[nodiscard]] Task<void> send(Batch batch);
  [[nodiscard]] Task<Result<redis::Reply>> command(std::span<const std::string_view> arguments);
  [[nodiscard]] Task<Result<redis::Reply>> evaluate(Batch& batch, loop::Milliseconds deadline,
                                                    std::string_view command);
  void read_results(const Batch& batch, const Result<redis::Reply>& reply);
  void answer(const Batch& batch);
  void leave(Waiting& waiting);
  [[nodiscard]] Error on_error_reply(std::string_view text);
  [[nodiscard]] Error on_nonsense(std::string_view what);
  [[nodiscard]] Error fault(std::string_view text);

  loop::Loop& loop_;
  redis::Link& link_;
  telemetry::Log& log_;
  Batch batch_;
  std::string last_fault_;
  std::optional<TimePoint> fault_logged_at_;
  loop::BeforeWait end_of_turn_;
  TaskGroup tasks_;
};

}  // namespace sluice::store
