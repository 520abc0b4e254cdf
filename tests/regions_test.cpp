#include "regions.h"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "manual_clock.h"
#include "temporary_directory.h"

namespace sluice {
namespace {

using testing::HasSubstr;

class RegionsTest : public testing::Test {
 protected:
  std::byte& first_byte(const Result<shm::Segment>& opened) {
    return opened->memory(kNewcomersRegion)[0];
  }
  std::string logged() {
    std::ifstream file(directory_.path() + "/log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/shared";
  ManualClock clock_;
  UniqueFd log_file_{::open((directory_.path() + "/log").c_str(), O_WRONLY | O_CREAT, 0600)};
  telemetry::Log log_{log_file_.get(), clock_, {}};
};

TEST_F(RegionsTest, WorkersAndOperatorsShareThem) {
  const auto worker = open_regions(path_, true, log_);
  const auto operates = open_regions(path_, false, log_);
  ASSERT_TRUE(worker && operates);
  first_byte(worker) = std::byte{1};
  EXPECT_EQ(first_byte(operates), std::byte{1});
  EXPECT_EQ(logged(), "");
}

TEST_F(RegionsTest, AnOperatorMakesNothing) {
  const auto alone = open_regions(path_, false, log_);
  ASSERT_TRUE(alone);
  EXPECT_EQ(first_byte(alone), std::byte{0});
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(logged(), "");
}

TEST_F(RegionsTest, WithoutAFileEachWorkerHasItsOwn) {
  const auto one = open_regions("", true, log_);
  const auto other = open_regions("", true, log_);
  ASSERT_TRUE(one && other);
  first_byte(one) = std::byte{1};
  EXPECT_EQ(first_byte(other), std::byte{0});
  EXPECT_EQ(logged(), "");
}

TEST_F(RegionsTest, AFileThatDoesNotSuitIsToldOfInOneLine) {
  std::ofstream(path_) << "precious";
  const auto alone = open_regions(path_, true, log_);
  ASSERT_TRUE(alone);
  EXPECT_EQ(first_byte(alone), std::byte{0});
  EXPECT_THAT(logged(), HasSubstr("\"setting\":\"storage.shared_file\",\"reason\":\"" + path_ +
                                  ": holds something else; name another file, or remove this "
                                  "one\"}\n"));
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

}  // namespace
}  // namespace sluice
