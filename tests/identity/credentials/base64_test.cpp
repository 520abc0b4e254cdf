#include "identity/credentials/base64.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sodium.h>

namespace sluice::identity {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::optional<Bytes> read(std::string_view text) {
  std::array<std::uint8_t, 64> buffer{};
  const auto size = read_base64(text, buffer);
  if (!size) return std::nullopt;
  return Bytes(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*size));
}

// libsodium 1.0.18 reads every byte that is not ASCII as '_'.
std::optional<Bytes> read_by_sodium(const std::string& text) {
  Bytes bytes(64);
  std::size_t size = 0;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) > 0x7f) return std::nullopt;
  }
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

TEST(Base64Test, ReadsTheVectorsOfRfc4648) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", ""},           {"Zg", "f"},          {"Zm8", "fo"},         {"Zm9v", "foo"},
      {"Zm9vYg", "foob"}, {"Zm9vYmE", "fooba"}, {"Zm9vYmFy", "foobar"}};
  for (const auto& [text, bytes] : rows) {
    EXPECT_EQ(read(text), Bytes(bytes.begin(), bytes.end())) << text;
  }
}

TEST(Base64Test, RefusesWhatNoEncoderWrites) {
  for (const std::string text :
       {"Z", "Zg==", "Zh", "Zm9", "Zm9v Yg", "Zm+v", "Zm/v", "Zm9vY", "\xdfmg", "Zm9v\n"}) {
    EXPECT_EQ(read(text), std::nullopt) << text;
  }
  EXPECT_EQ(read(std::string(88, 'A')), std::nullopt) << "it does not fit";
}

RC_GTEST_PROP(Base64Test, ReadsBackWhatLibsodiumWrites, (const Bytes& any)) {
  const Bytes bytes(any.begin(), any.begin() + static_cast<std::ptrdiff_t>(
                                                   std::min<std::size_t>(any.size(), 60)));
  std::string text(
      sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();  // the NUL
  RC_ASSERT(read(text) == std::optional(bytes));
}

RC_GTEST_PROP(Base64Test, TakesAndRefusesWhatLibsodiumDoes, ()) {
  const auto character = rc::gen::weightedOneOf<char>(
      {{20, rc::gen::elementOf(std::string("AQgwZhmx09-_"))}, {1, rc::gen::arbitrary<char>()}});
  const auto text = *rc::gen::resize(12, rc::gen::container<std::string>(character));
  RC_ASSERT(read(text) == read_by_sodium(text));
}

}  // namespace
}  // namespace sluice::identity
