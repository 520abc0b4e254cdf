#include "identity/credentials/fingerprint.h"

#include <gtest/gtest.h>

namespace sluice::identity {
namespace {

TEST(FingerprintTest, IsBlake2bOf128BitsInHex) {
  // Python: hashlib.blake2b(b"...", digest_size=16).hexdigest()
  EXPECT_EQ(fingerprint("abc"), "cf4ab791c62b8d2b2109c90275287816");
  EXPECT_EQ(fingerprint(""), "cae66941d9efbd404e4d88758ea67670");
  EXPECT_NE(fingerprint("abc"), fingerprint("abd"));
}

}  // namespace
}  // namespace sluice::identity
