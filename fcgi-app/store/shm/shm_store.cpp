#include "store/shm/shm_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "limits/outcome.h"

namespace sluice::store {

using limits::Decision;

namespace {

// A clock that was set back hides nothing.
bool is_within(Duration pause, TimePoint since, TimePoint now) {
  return now >= since && now - since < pause;
}

}  // namespace

// The mutex, as long as it lives.
class ShmStore::Guard {
 public:
  explicit Guard(const BucketFile& file) : file_(&file) {}
  Guard(Guard&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
  Guard& operator=(Guard&&) = delete;
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() {
    if (file_) file_->unlock();
  }

 private:
  const BucketFile* file_;
};

Result<std::unique_ptr<ShmStore>> ShmStore::open(const std::string& path, const Clock& clock,
                                                 Options options) {
  auto file =
      BucketFile::open(path, {options.bytes, options.open_wait, options.on_step, options.create});
  if (!file) return tl::unexpected(file.error());
  return std::unique_ptr<ShmStore>(new ShmStore(path, std::move(*file), clock, options));
}

Task<Result<Decision>> ShmStore::take(limits::Ask ask, std::optional<TimePoint> now) {
  auto decision = take_now(ask, now);
  report(decision ? nullptr : &decision.error());
  co_return decision;
}

Result<Decision> ShmStore::take_now(const limits::Ask& ask, std::optional<TimePoint> now) {
  const auto is_long = [](const auto& asked) { return asked.key.size() > ShmArena::kMaxKey; };
  if (std::any_of(ask.charges.begin(), ask.charges.end(), is_long) ||
      std::any_of(ask.bars.begin(), ask.bars.end(), is_long) || (ask.mark && is_long(*ask.mark))) {
    return fail(ErrorCode::kStoreFault,
                fmt::format("a key has more than {} bytes", ShmArena::kMaxKey));
  }
  if (ask.charges.size() > limits::kMaxCharges)
    return fail(ErrorCode::kStoreFault, "too many charges");
  const auto guard = lock();
  if (!guard) return tl::unexpected(guard.error());
  // The clock is asked with the mutex held: a bucket must not lie in its next user's future.
  return decide(ask, now ? *now : clock_.now());
}

// REQUIRES: the mutex.
Result<Decision> ShmStore::decide(const limits::Ask& ask, TimePoint now) {
  bool foreign = false;
  const limits::Lookup stored{
      [&](std::string_view key, const limits::Limit& limit) -> std::optional<limits::Bucket> {
        const auto bytes = table_.find(table_.key(key), now);
        if (!bytes) return std::nullopt;
        auto bucket = limits::decode(*bytes);
        foreign = foreign || (!bucket && limit.mode != limits::Mode::kShadow);
        return bucket;
      },
      [&](std::string_view key) -> std::optional<TimePoint> {
        const auto bytes = table_.find(table_.key(key), now);
        if (!bytes) return std::nullopt;
        const auto until = limits::decode_bar(*bytes);
        foreign = foreign || !until;
        return until;
      },
      [&](std::string_view key) { return table_.find(table_.key(key), now); }};
  limits::Outcome outcome = limits::decide(ask, stored, now);
  outcome.decision.source = limits::Source::kSharedMemory;
  if (foreign) return fail(ErrorCode::kStoreFault, "shared memory holds what is no bucket");
  // What allocates comes first: replace() must not throw.
  std::vector<ShmTable::Write> writes;
  for (const limits::Change& change : outcome.changes) {
    writes.push_back(
        {table_.key(change.key), limits::encode(change.bucket), now + change.keep_for});
  }
  for (const limits::Raised& bar : outcome.bars) {
    writes.push_back({table_.key(bar.key), limits::encode_bar(bar.until), bar.until});
  }
  if (outcome.mark) {
    writes.push_back({table_.key(outcome.mark->key), std::move(outcome.mark->bytes),
                      now + outcome.mark->keep_for});
  }
  const auto evicted = table_.replace(writes, now);
  if (!evicted) {
    return fail(ErrorCode::kStoreUnavailable,
                fmt::format("shared memory of {} bytes is too small for the buckets of one "
                            "decision; raise storage.shared_memory_mb",
                            options_.bytes));
  }
  news_.wrote = !writes.empty();
  news_.evicted = *evicted > 0;
  return std::move(outcome.decision);
}

Task<Result<std::int64_t>> ShmStore::reset(std::span<const std::string> keys) {
  auto count = reset_now(keys);
  report(count ? nullptr : &count.error());
  co_return count;
}

Result<std::int64_t> ShmStore::reset_now(std::span<const std::string> keys) {
  const auto guard = lock();
  if (!guard) return tl::unexpected(guard.error());
  return std::count_if(keys.begin(), keys.end(),
                       [&](const std::string& key) { return table_.erase(table_.key(key)); });
}

Task<Result<std::optional<std::string>>> ShmStore::read(std::string_view key) {
  auto bytes = read_now(key);
  report(bytes ? nullptr : &bytes.error());
  co_return bytes;
}

Result<std::optional<std::string>> ShmStore::read_now(std::string_view key) {
  const auto guard = lock();
  if (!guard) return tl::unexpected(guard.error());
  return table_.find(table_.key(key), clock_.now());
}

Result<std::string> ShmStore::dump() {
  const auto guard = lock();
  if (!guard) return tl::unexpected(guard.error());
  std::vector<std::string> lines;
  table_.for_each([&](std::string_view key, std::string_view value) {
    std::string line = std::string(key) + "=";
    for (const char byte : value) line += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    lines.push_back(std::move(line));
  });
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, ","));
}

Result<ShmTable::Usage> ShmStore::usage() {
  const auto guard = lock();
  if (!guard) return tl::unexpected(guard.error());
  return table_.usage();
}

Result<ShmStore::Guard> ShmStore::lock() {
  const int locked = file_.lock(patient_ ? options_.lock_wait : Duration::zero());
  patient_ = locked == 0 || locked == EOWNERDEAD;
  if (!patient_ && locked != EBUSY && locked != ETIMEDOUT) {
    return fail(ErrorCode::kStoreFault,
                fmt::format("shared memory cannot be locked: {}", std::strerror(locked)));
  }
  if (!patient_) return fail(ErrorCode::kStoreUnavailable, "shared memory is locked for long");
  Guard guard(file_);
  if (options_.on_step) options_.on_step("locked");
  if (locked == EOWNERDEAD || file_.header().stale != 0) {
    table_.recover();
    file_.header().stale = 0;
    if (locked == EOWNERDEAD) ++file_.header().recoveries;
    news_.recovered = news_.recovered || locked == EOWNERDEAD;
    file_.make_consistent();
  }
  return guard;
}

// REQUIRES: not the mutex.
void ShmStore::report(const Error* error) {
  const News news = std::exchange(news_, {});
  if (!options_.log) return;
  if (news.recovered) {
    options_.log->warning("store recovered", {{"reason", "a worker died with the mutex"}});
  }
  if (news.evicted) report_full(clock_.now());
  if (!error) {
    if (news.wrote && failed_at_) report_serving(clock_.now());
  } else if (error->code == ErrorCode::kStoreUnavailable) {
    report_refusing(error->detail, clock_.now());
  } else {
    report_fault(error->detail, clock_.now());
  }
}

void ShmStore::report_serving(TimePoint now) {
  if (is_within(options_.calm, *failed_at_, now)) return;
  options_.log->info("store is up", {{"storage", "shm://" + path_}});
  failed_at_.reset();
}

void ShmStore::report_refusing(const std::string& why, TimePoint now) {
  if (!failed_at_) options_.log->error("store is down", {{"reason", why}});
  failed_at_ = now;
}

void ShmStore::report_fault(const std::string& why, TimePoint now) {
  if (fault_logged_at_ && is_within(options_.pause, *fault_logged_at_, now)) return;
  options_.log->error("store fault", {{"reason", why}});
  fault_logged_at_ = now;
}

void ShmStore::report_full(TimePoint now) {
  if (full_logged_at_ && is_within(options_.pause, *full_logged_at_, now)) return;
  options_.log->warning("store is full", {{"reason",
                                           "buckets in use are forgotten, as "
                                           "storage.shared_memory_mb is too small"}});
  full_logged_at_ = now;
}

}  // namespace sluice::store
