// Stored buckets: bytes that are one are read to the last bit, and any of them can be charged.
#include <algorithm>
#include <string>

#include "fuzz/any_limit.h"
#include "fuzz/harness.h"
#include "limits/algorithm.h"
#include "limits/bucket.h"

namespace sluice::limits {
namespace {

using fuzz::Input;
using fuzz::require;

void expect_same_bytes(const Bucket& bucket) {
  const std::string bytes = encode(bucket);
  const auto again = decode(bytes);
  require(again.has_value(), "what is stored can be read");
  require(*again == bucket, "a bucket is read as it was written");
}

void expect_balance(const std::optional<Bucket>& bucket, const Limit& limit, std::int64_t cost,
                    TimePoint now) {
  const Balance seen = balance(view(bucket, limit, cost, now), limit, cost, now);
  fuzz::expect_sound(seen, limit);
  require((seen.retry_after > Duration::zero()) == (cost > 0), "what does not fit has to wait");
}

// Charges at moments that follow each other, or step back.
void charge(std::optional<Bucket> bucket, const Limit& limit, TimePoint now, Input& input) {
  for (int steps = 0; steps < 8 && !input.empty(); ++steps) {
    const std::int64_t cost =
        limit.algorithm == Algorithm::kSlidingLog ? input.byte() : input.between(0, kMaxQuota);
    const Step step = take(bucket, limit, cost, now);
    require(step.fits || cost > 0, "a peek always fits");
    if (step.after) {
      require(step.after->terms == limit.terms(), "a bucket is of the limit's terms");
      require(step.keep_for > Duration::zero(), "what says something is kept");
      expect_same_bytes(*step.after);
    }
    if (step.before) expect_same_bytes(*step.before);
    require(step.fits || step.after == step.before, "a denial changes nothing");
    expect_balance(step.after, limit, step.fits ? 0 : cost, now);
    const Step peek = take(step.after, limit, 0, now);
    require(peek.after == step.after, "a peek changes nothing");
    bucket = step.after;
    const std::int64_t step_size = std::int64_t{1} << input.byte() % 24U;
    now = std::clamp(now + Duration(input.integer<std::int32_t>() * step_size), TimePoint(),
                     kLastTime);
  }
}

void check_views(std::string_view bytes) {
  for (const auto& [name, algorithm] : kAlgorithmNames) {
    std::string_view rest = bytes;
    const auto view = decode_view(algorithm, rest);
    require(view || rest == bytes, "what is too short is not taken");
    require(!view || rest.size() < bytes.size(), "a view is taken off the front");
  }
}

}  // namespace
}  // namespace sluice::limits

// A limit, a moment, the length of a bucket, the bucket; the rest are charges.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  const auto limit = fuzz::any_limit(input);
  const TimePoint now = fuzz::any_time(input);
  const fuzz::Exact bytes(input.bytes(input.byte()));
  const auto bucket = limits::decode(bytes.view());
  if (bucket) {
    fuzz::require(limits::encode(*bucket) == bytes.view(), "bytes that are a bucket are its own");
  }
  limits::check_views(bytes.view());
  if (limit) limits::charge(bucket, *limit, now, input);
  return 0;
}
