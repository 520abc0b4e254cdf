#include "commands/text_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "temporary_directory.h"

namespace sluice::commands {
namespace {

namespace fs = std::filesystem;

class TextFileTest : public testing::Test {
 protected:
  [[nodiscard]] std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] mode_t mode() const {
    struct stat info {};
    EXPECT_EQ(::stat(path_.c_str(), &info), 0);
    return info.st_mode & 0777U;
  }
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator(directory_.path()), {});
  }
  [[nodiscard]] static std::string error_of(const Result<void>& written) {
    return written ? "no error" : written.error().detail;
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/list.cfg";
};

TEST_F(TextFileTest, ANewFileIsThereWholeAndAlone) {
  ASSERT_TRUE(write_whole(path_, "one\n", false));
  EXPECT_EQ(text(), "one\n");
  EXPECT_EQ(*read_whole(path_, 4), "one\n");
  EXPECT_EQ(mode() & 0600U, 0600U);
  EXPECT_EQ(mode() & 0022U, 0U);
  EXPECT_EQ(files(), 1);
}

TEST_F(TextFileTest, AFileIsReplacedByForceOnlyAndKeepsItsMode) {
  std::ofstream(path_) << "old\n";
  ::chmod(path_.c_str(), 0640);
  const auto refused = write_whole(path_, "new\n", false);
  EXPECT_EQ(error_of(refused), path_ + ": there is such a file; --force replaces it");
  EXPECT_EQ(refused.error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(text(), "old\n");
  ASSERT_TRUE(write_whole(path_, "new\n", true));
  EXPECT_EQ(text(), "new\n");
  EXPECT_EQ(mode(), 0640U);
  EXPECT_EQ(files(), 1);
}

TEST_F(TextFileTest, ALinkStaysAndWhatItPointsToIsReplaced) {
  const std::string link = directory_.path() + "/link.cfg";
  std::ofstream(path_) << "old\n";
  fs::create_symlink("list.cfg", link);
  ASSERT_TRUE(write_whole(link, "new\n", true));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(text(), "new\n");
}

TEST_F(TextFileTest, WhatIsNoFileIsNotWritten) {
  for (const std::string& path : {directory_.path(), std::string("/dev/null")}) {
    const auto refused = write_whole(path, "x", true);
    EXPECT_EQ(error_of(refused), path + ": is no regular file; name one, or none");
    EXPECT_EQ(refused.error().code, ErrorCode::kBadRequest);
  }
  const auto failed = write_whole(directory_.path() + "/none/list.cfg", "x", false);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kSystem);
  EXPECT_EQ(files(), 0);
}

TEST_F(TextFileTest, WhatCannotBeReadIsSaidSo) {
  const auto error_in = [](const std::string& path) {
    const auto read = read_whole(path, 3);
    EXPECT_FALSE(read);
    return read ? "" : read.error().detail;
  };
  EXPECT_EQ(error_in(path_), path_ + ": cannot be read: No such file or directory");
  EXPECT_EQ(error_in(directory_.path()), directory_.path() + ": cannot be read: Is a directory");
  std::ofstream(path_) << "four";
  EXPECT_EQ(error_in(path_), path_ + ": cannot be read: it is larger than 3 bytes");
  EXPECT_EQ(error_in("/dev/zero"), "/dev/zero: cannot be read: it is larger than 3 bytes");
}

}  // namespace
}  // namespace sluice::commands
