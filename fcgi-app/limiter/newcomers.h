// Bounds how many buckets callers open, so that nobody fills the store with ever new ones, nor buys
// a new quota with each name that it makes up.
//
// Callers of a tenant may open so many buckets of one limit in the time for which one lives; those
// who show no session are a tenant of their own, of the limits in `defaults`. Of these, the callers
// of one network may open so many of a limit that counts what they can have many of: sessions, the
// values of a header, and the addresses within their IPv6 network. Past either number newcomers
// share one bucket.
//
// What was opened is learned from the store's answers and kept in memory that the workers of a host
// share: so the bounds are per host. Far from them nobody need be asked for; near one, a place is
// reserved before the store is asked, so that none is let in above it. Of who is not known here,
// because another host let it in, the limiter asks the store.
//
// Nothing is locked. A worker that dies, or two that write at once, may lose a count.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/sip_hash.h"
#include "identity/identity.h"
#include "limits/limit.h"

namespace sluice::limiter {

class Newcomers {
 public:
  struct Options {
    std::int64_t per_tenant = 100'000;  // 0 to limits::kMaxQuota; 0: no bound
    std::int64_t per_network = 10'000;  // the same
  };
  // What is counted together: the callers of a limit, or those of one network.
  struct Crowd {
    std::string name;       // of the bucket that its newcomers share, see bucket_key.h
    std::int64_t most = 0;  // that it may open
    Duration window{};      // in which time
  };
  class Place;
  // Of the memory, and the version of what is in it.
  static constexpr std::size_t kBytes = (std::size_t{12} << 20U) + 64;
  static constexpr std::uint16_t kLayout = 1;

  // `memory` has kBytes, aligned to 64, at first all zero; it outlives the object.
  Newcomers(Options options, std::span<std::byte> memory);

  // Whom a charge to `limit` counts with; empty where nobody can open many buckets of it.
  [[nodiscard]] std::vector<Crowd> crowds_of(const limits::Limit& limit,
                                             const identity::Identity& identity,
                                             std::string_view route) const;
  // Whether any crowd at all is near its bound: if not, whoever comes may open a bucket.
  [[nodiscard]] bool is_any_near(TimePoint now) const;
  // The first crowd that has opened as many as it may; nullptr if there is none.
  [[nodiscard]] const Crowd* full(std::span<const Crowd> crowds, TimePoint now) const;
  // The same; if there is none, one more counts as opened in each: then that is a Place's.
  [[nodiscard]] const Crowd* reserve(std::span<const Crowd> crowds, TimePoint now);
  // Whether the bucket under `key` was opened on this host, less than its crowds' window ago.
  [[nodiscard]] bool knows(std::string_view key, Duration window, TimePoint now) const;
  // The bucket was opened now, without one. Who is known is not counted again.
  void opened(std::string_view key, std::span<const Crowd> crowds, TimePoint now);
  // Lets the crowd open as many again; whether it had opened any.
  bool forget(const Crowd& crowd);

 private:
  // The bucket was opened now. Whether it was not known.
  bool remember(std::string_view key, Duration window, TimePoint now);
  void release(std::span<const Crowd> crowds);
  struct Head;
  struct Count;
  struct Known;

  [[nodiscard]] std::uint64_t id_of(std::string_view name) const;
  [[nodiscard]] Count* find(std::uint64_t id) const;
  [[nodiscard]] Count& room_for(std::uint64_t id, TimePoint now);
  std::int64_t count(const Crowd& crowd, TimePoint now);

  Options options_;
  Head* head_;
  std::span<Count> counts_;
  std::span<Known> known_;
  SipHash::Seed seed_{};
};

// What reserve() has counted: given back when this goes, unless a bucket took it.
class Newcomers::Place {
 public:
  // `newcomers` outlives the place. REQUIRES: crowds that reserve() has just counted.
  Place(Newcomers& newcomers, std::vector<Crowd> crowds)
      : newcomers_(&newcomers), crowds_(std::move(crowds)) {}
  Place(Place&& other) noexcept
      : newcomers_(std::exchange(other.newcomers_, nullptr)), crowds_(std::move(other.crowds_)) {}
  Place& operator=(Place&&) = delete;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (newcomers_) newcomers_->release(crowds_);
  }

  // The bucket was opened now. Who is known has its place already. REQUIRES: called once.
  void take(std::string_view key, TimePoint now) {
    if (newcomers_->remember(key, crowds_.front().window, now)) newcomers_ = nullptr;
  }

 private:
  Newcomers* newcomers_;  // nullptr: it is not to be given back
  std::vector<Crowd> crowds_;
};

}  // namespace sluice::limiter
