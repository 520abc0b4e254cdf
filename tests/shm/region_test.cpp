#include "shm/region.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temporary_directory.h"

namespace sluice::shm {
namespace {

class RegionTest : public testing::Test {
 protected:
  static constexpr std::size_t kBytes = 8192;

  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/region";
};

TEST_F(RegionTest, IsSharedByAllWhoOpenItAndBeginsAsZeros) {
  const auto first = Region::open(path_, kBytes, true);
  const auto second = Region::open(path_, kBytes, false);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(second->memory().size(), kBytes);
  for (const std::byte byte : second->memory()) ASSERT_EQ(byte, std::byte{0});
  first->memory()[kBytes - 1] = std::byte{7};
  EXPECT_EQ(second->memory()[kBytes - 1], std::byte{7});
  EXPECT_EQ(std::filesystem::status(path_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(RegionTest, OutlivesThoseWhoHadItOpen) {
  { Region::open(path_, kBytes, true)->memory()[0] = std::byte{1}; }
  EXPECT_EQ(Region::open(path_, kBytes, true)->memory()[0], std::byte{1});
}

TEST_F(RegionTest, IsNotMadeByWhoMayNot) {
  EXPECT_EQ(Region::open(path_, kBytes, false).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(RegionTest, RefusesWhatSomebodyElseMayHavePutThere) {
  const std::string target = directory_.path() + "/target";
  std::ofstream(target) << "precious";
  std::filesystem::create_symlink(target, path_);
  EXPECT_FALSE(Region::open(path_, kBytes, true)) << "a link";
  EXPECT_EQ(std::filesystem::file_size(target), 8U);
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(Region::open(path_, kBytes, true)) << "a folder";
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const auto fifo = Region::open(path_, kBytes, true);
  ASSERT_FALSE(fifo);
  EXPECT_EQ(fifo.error().detail, path_ + ": is no file");
}

TEST_F(RegionTest, OfOneProcessHasNoFile) {
  const auto one = Region::anonymous(kBytes);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->memory().size(), kBytes);
  EXPECT_EQ(one->memory()[kBytes - 1], std::byte{0});
}

}  // namespace
}  // namespace sluice::shm
