// Which store a config, or the environment, names.
#include <gtest/gtest.h>

#include "config/load_fixture.h"

namespace sluice::config {
namespace {

class StoreUri : public Load {};

TEST_F(StoreUri, KeepsCountsInMemoryIfTold) {
  const auto config = load_text("storage = { uri = \"memory://\"; };\n");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->deployment.store.kind, store::Kind::kMemory);
}

TEST_F(StoreUri, KeepsCountsInSharedMemoryIfTold) {
  const auto config =
      load_text("storage = { uri = \"shm:///dev/shm/s\"; shared_memory_mb = 2; };\n");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->deployment.store.kind, store::Kind::kSharedMemory);
  EXPECT_EQ(config->deployment.store.file, "/dev/shm/s");
  EXPECT_EQ(config->deployment.store.shared_memory.bytes, std::size_t{2} << 20U);
  EXPECT_EQ(config->deployment.store.text(), "shm:///dev/shm/s");
  EXPECT_EQ(error_in("storage = {\n  uri = \"shm://s\"; };\n"),
            "test.cfg:2: \"uri\": \"shm://s\" needs an absolute path; write shm:///dev/shm/sluice");
}

TEST_F(StoreUri, PutsTheStorageUriOfTheEnvironmentFirst) {
  auto options = load_options();
  options.storage_uri = "redis://:secret@redis:6380/2";
  for (const char* text : {"log = {};\n", "storage = { uri = \"memory://\"; };\n",
                           "storage = { uri = \"nonsense\"; };\n"}) {
    const auto config = load_text(text, options);
    ASSERT_TRUE(config) << config.error().detail;
    EXPECT_EQ(config->deployment.store.kind, store::Kind::kRedis);
    EXPECT_EQ(config->deployment.store.text(), "redis://:***@redis:6380/2");
  }
  options.storage_uri = "memory://";
  const auto config = load_text("storage = { uri = \"redis://host\"; };\n", options);
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->deployment.store.kind, store::Kind::kMemory);
}

TEST_F(StoreUri, NamesTheVariableOfABadStorageUri) {
  auto options = load_options();
  options.storage_uri = "http://user:hunter2@redis";
  const std::string error = error_in("log = { level = \"loud\"; };\n", options);
  EXPECT_EQ(error,
            "test.cfg:1: unknown level \"loud\"; use debug, info, warning or error\n"
            "RATE_LIMIT_STORAGE_URI: unknown scheme \"http://\"; expected "
            "redis[s]://[[user]:password@]host[:port][/db], for rediss "
            "[?ca=FILE&cert=FILE&key=FILE], or unix:///path/to/socket[?db=n], "
            "shm:///path/to/file, or memory://");
}

}  // namespace
}  // namespace sluice::config
