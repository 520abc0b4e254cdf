#include "policy/regions.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log_file.h"
#include "manual_clock.h"
#include "temporary_directory.h"

namespace sluice::policy {
namespace {

using testing::HasSubstr;

class RegionsTest : public testing::Test {
 protected:
  std::byte& first_byte(const Result<shm::Segment>& opened) {
    return opened->memory(kNewcomersRegion)[0];
  }
  [[nodiscard]] std::string logged() const { return log_file_.text(); }

  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/shared";
  ManualClock clock_;
  LogFile log_file_{clock_};
  telemetry::Log& log_ = log_file_.log();
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

TEST_F(RegionsTest, AFolderThatIsMissingIsToldOfInOneLineToWorkersAlone) {
  std::ofstream(path_) << "no folder";
  const std::string missing = directory_.path() + "/missing/shared";
  for (const auto& [path, why] :
       {std::pair{missing, "its folder is not there; make it, or name another path"},
        std::pair{path_ + "/shared", "cannot open: Not a directory"}}) {
    const std::string before = logged();
    ASSERT_TRUE(open_regions(path, true, log_));
    const std::string line = logged().substr(before.size());
    EXPECT_THAT(line, HasSubstr("\"event\":\"nothing is shared with other workers\""));
    EXPECT_THAT(line, HasSubstr("\"setting\":\"storage.shared_file\",\"reason\":\"" + path + ": " +
                                why + "\"}\n"));
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  }
  const std::string before = logged();
  ASSERT_TRUE(open_regions(missing, false, log_));
  EXPECT_EQ(logged(), before);
}

}  // namespace
}  // namespace sluice::policy
