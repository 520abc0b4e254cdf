// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012), with the rounds
// that Rust's HashMap takes. Keys of buckets hold what clients choose, such as addresses: without
// the secret seed nobody can choose many that fall into one slot.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <sys/random.h>

namespace sluice {

class SipHash {
 public:
  using Seed = std::array<std::uint64_t, 2>;

  // A kernel that refuses leaves a seed that can be guessed. It gives what is asked for whole.
  [[nodiscard]] static Seed random_seed() {
    Seed seed{};
    [[maybe_unused]] const ssize_t got = ::getrandom(seed.data(), sizeof seed, 0);
    return seed;
  }

  [[nodiscard]] static std::uint64_t of(std::string_view bytes, const Seed& seed) {
    SipHash state(seed);
    const std::uint64_t length = std::uint64_t{bytes.size()} << 56U;
    for (; bytes.size() >= sizeof(std::uint64_t); bytes.remove_prefix(sizeof(std::uint64_t))) {
      state.add(load(bytes.substr(0, sizeof(std::uint64_t))));
    }
    state.add(length | load(bytes));
    return state.finish();
  }

 private:
  explicit SipHash(const Seed& seed)
      : v0_(seed[0] ^ 0x736f6d6570736575U),
        v1_(seed[1] ^ 0x646f72616e646f6dU),
        v2_(seed[0] ^ 0x6c7967656e657261U),
        v3_(seed[1] ^ 0x7465646279746573U) {}

  static std::uint64_t load(std::string_view bytes) {
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t word = 0;
    if (!bytes.empty()) std::memcpy(&word, bytes.data(), bytes.size());
    return word;
  }

  void add(std::uint64_t word) {
    v3_ ^= word;
    round();
    v0_ ^= word;
  }

  std::uint64_t finish() {
    v2_ ^= 0xffU;
    for (int i = 0; i < 3; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

  void round() {
    v0_ += v1_;
    v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_;
    v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_;
  std::uint64_t v1_;
  std::uint64_t v2_;
  std::uint64_t v3_;
};

}  // namespace sluice
