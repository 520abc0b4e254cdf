// Where the workers of a host have the memory that they share besides the counts.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class SharedFile : public Load {
 protected:
  std::string of(const std::string& uri, const std::string& more = "") {
    auto options = load_options();
    options.storage_uri = uri;
    const auto config = load_text(more.empty() ? "log = {};\n" : more, options);
    EXPECT_TRUE(config) << config.error().detail;
    return config ? config->deployment.shared_file : "";
  }
};

TEST_F(SharedFile, IsOneForAllWhoHaveTheSameStoreAndKeys) {
  const std::string file = of("redis://host/1");
  EXPECT_TRUE(file.starts_with("/dev/shm/sluice-")) << file;
  for (const char* same :
       {"redis://host:6379/1", "redis://:secret@host/1", "rediss://me:pw@host/1"}) {
    EXPECT_EQ(of(same), file) << same << ": an operator is another user than the workers";
  }
  std::set<std::string> others{file};
  for (const char* other : {"redis://host/2", "redis://host2/1", "redis://host:6380/1",
                            "unix:///host?db=1", "unix:///other?db=1"}) {
    EXPECT_TRUE(others.insert(of(other)).second) << other;
  }
  EXPECT_TRUE(others.insert(of("redis://host/1", "storage = { key_prefix = \"p\"; };\n")).second);
}

TEST_F(SharedFile, StandsBesideAFileOfCountsAndIsNoneWhereEachWorkerHasItsOwn) {
  EXPECT_EQ(of("shm:///dev/shm/s"), "/dev/shm/s.shared");
  EXPECT_EQ(of("memory://"), "");
}

TEST_F(SharedFile, CanBeNamed) {
  EXPECT_EQ(of("redis://host", "storage = { shared_file = \"/run/s\"; };\n"), "/run/s");
  EXPECT_EQ(error_in("storage = {\n  shared_file = \"s\"; };\n"),
            "test.cfg:2: \"s\" is not an absolute path; write /dev/shm/sluice-shared");
}

TEST_F(SharedFile, IsWarnedOfWhereItsFolderIsMissing) {
  const auto warnings = [this](const std::string& file) {
    const auto config = load_text("storage = {\n  shared_file = \"" + file + "\"; };\n");
    EXPECT_TRUE(config) << config.error().detail;
    return config ? config->warnings : "";
  };
  EXPECT_EQ(warnings("/dev/shm/s"), "");
  EXPECT_EQ(warnings("/s"), "");
  EXPECT_THAT(
      warnings("/no/such/s"),
      EndsWith("test.cfg:2: warning: no folder /no/such here: without it each worker counts "
               "for itself"));
  EXPECT_THAT(warnings("/dev/null/s"), HasSubstr("no folder /dev/null here"));
}

}  // namespace
}  // namespace sluice::config
