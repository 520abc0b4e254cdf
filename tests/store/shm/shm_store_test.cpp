// ShmStore in one process: the file, its bounds, expiry, and what it shares with MemoryStore.
#include "store/shm/shm_store.h"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "child_process.h"
#include "store/memory/memory_store.h"
#include "store/shm/shm_file.h"

namespace sluice::store {
namespace {

using limits::Charge;
using limits::Limit;
using std::chrono::seconds;

class ShmStoreTest : public ShmFile {
 protected:
  void write_file(std::string_view text) const { std::ofstream(path()) << text; }
  // Changes the header of a file that nobody has open.
  void edit_header(const std::function<void(ShmHeader&)>& edit) const {
    ShmHeader header{};
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.read(reinterpret_cast<char*>(&header), sizeof header);
    edit(header);
    file.seekp(0).write(reinterpret_cast<const char*>(&header), sizeof header);
  }
};

TEST_F(ShmStoreTest, TwoMappingsOfOneFileShareCounts) {
  const Limit two = fixed_window(2);
  const auto first = open();
  const auto second = open();
  EXPECT_TRUE(take(*first, {{"k", &two, 1}}));
  EXPECT_TRUE(take(*second, {{"k", &two, 1}}));
  EXPECT_FALSE(take(*first, {{"k", &two, 1}}));
  EXPECT_EQ(*first->dump(), *second->dump());
  EXPECT_EQ(second->size(), 1U);
}

TEST_F(ShmStoreTest, CountsOutliveTheLastWorker) {
  const Limit two = fixed_window(2);
  EXPECT_TRUE(take(*open(), {{"k", &two, 1}}));
  const auto again = open();
  EXPECT_EQ(remaining(*again, "k", two), 1);
  expect_accounted(*again);
}

TEST_F(ShmStoreTest, TheFileIsForItsOwnerAlone) {
  const auto store = open();
  struct stat info {};
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  EXPECT_EQ(info.st_size, static_cast<off_t>(kSmall));
}

TEST_F(ShmStoreTest, AForeignFileIsRefusedAndLeftAlone) {
  write_file("[section]\nkey = value\n");
  EXPECT_EQ(chmod(path().c_str(), 0600), 0);
  EXPECT_EQ(error_of_open(),
            path() + ": holds something else; name another path, or remove the file");
  EXPECT_EQ(std::filesystem::file_size(path()), 22U);
  EXPECT_EQ(chmod(path().c_str(), 0644), 0);
  EXPECT_EQ(error_of_open(), path() + ": is open to others; chmod 600");
}

TEST_F(ShmStoreTest, ALinkIsNotFollowed) {
  EXPECT_EQ(symlink("/etc/hostname", path().c_str()), 0);
  EXPECT_EQ(error_of_open(), path() + ": cannot open: Too many levels of symbolic links");
}

TEST_F(ShmStoreTest, AnotherSizeOrVersionIsRefused) {
  static_cast<void>(open());
  EXPECT_EQ(error_of_open({.bytes = 2 * kSmall}),
            path() +
                ": has 65536 bytes where 131072 are configured; configure its size, or stop "
                "all workers and remove the file");
  edit_header([](ShmHeader& header) { ++header.layout; });
  EXPECT_EQ(error_of_open(),
            path() + ": is of another version of Sluice; stop all workers and remove the file");
}

TEST_F(ShmStoreTest, ASizeOutOfRangeIsRefused) {
  EXPECT_EQ(error_of_open({.bytes = 1000}),
            path() + ": 1000 bytes are configured; from 65536 to 17179869184 are possible");
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ShmStoreTest, WhoMayNotMakeTheFileLeavesItAlone) {
  const ShmStore::Options guest{.bytes = kSmall, .create = false};
  const std::string refusal = path() + ": no worker has counted here yet";
  EXPECT_EQ(error_of_open(guest), refusal);
  EXPECT_FALSE(std::filesystem::exists(path()));
  write_file("");
  EXPECT_EQ(chmod(path().c_str(), 0600), 0);
  EXPECT_EQ(error_of_open(guest), refusal);
  EXPECT_EQ(std::filesystem::file_size(path()), 0U);
  const Limit two = fixed_window(2);
  EXPECT_TRUE(take(*open(), {{"k", &two, 1}}));
  EXPECT_EQ(remaining(*open(guest), "k", two), 1);
  edit_header([](ShmHeader& header) { header.boot_id[0] ^= 1; });
  EXPECT_EQ(error_of_open(guest), refusal);
}

TEST_F(ShmStoreTest, AFileFromBeforeTheMachineRestartedIsMadeAgain) {
  const Limit two = fixed_window(2);
  EXPECT_TRUE(take(*open(), {{"k", &two, 1}}));
  edit_header([](ShmHeader& header) { header.boot_id[0] ^= 1; });
  EXPECT_EQ(remaining(*open(), "k", two), 2);
}

TEST_F(ShmStoreTest, AFileOfAnotherPidNamespaceIsRefusedWhileInUse) {
  const auto user = open();
  edit_header([](ShmHeader& header) { ++header.pid_namespace; });
  EXPECT_EQ(error_of_open(),
            path() + ": is in use in another PID namespace; name a path for each container");
}

TEST_F(ShmStoreTest, KeysHaveAtMost1024Bytes) {
  const Limit one = fixed_window(1);
  const auto store = open();
  const std::string longest(1024, 'k');
  const std::vector<Charge> too_long{{longest + "k", &one, 1}};
  EXPECT_EQ(run_now(store->take({too_long}, std::nullopt)).error().code, ErrorCode::kStoreFault);
  EXPECT_TRUE(take(*store, {{longest, &one, 1}}));
  EXPECT_FALSE(take(*store, {{longest, &one, 1}}));
  EXPECT_TRUE(take(*store, {{longest.substr(1) + "x", &one, 1}}));
  expect_accounted(*store);
}

// Ten thousand buckets go through room for some two hundred.
TEST_F(ShmStoreTest, ExpiredBucketsMakeRoom) {
  const Limit one = fixed_window(1, 10);
  const auto store = open();
  for (int i = 0; i < 10'000; ++i) {
    clock_.advance(seconds(1));
    ASSERT_TRUE(take(*store, {{std::to_string(i), &one, 1}}));
    ASSERT_LE(store->size(), 150U);
  }
  expect_accounted(*store);
}

TEST_F(ShmStoreTest, AClockSetBackKeepsNoBucketForEver) {
  const Limit one = fixed_window(1, 10);
  const auto store = open();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(take(*store, {{std::to_string(i), &one, 1}}));
  const TimePoint start = clock_.now();
  clock_.advance(-seconds(1000));
  for (int i = 0; i < 10'000; ++i) {
    clock_.advance(seconds(1));
    ASSERT_TRUE(take(*store, {{"x" + std::to_string(i), &one, 1}}));
  }
  EXPECT_GT(clock_.now(), start);
  EXPECT_LE(store->size(), 150U);
}

TEST_F(ShmStoreTest, TheLongestLogsFit) {
  Limit log = fixed_window(limits::kMaxLogQuota);
  log.algorithm = limits::Algorithm::kSlidingLog;
  const auto store = open({.bytes = std::size_t{1} << 20U});
  for (const char* key : {"a", "b", "c"}) {
    EXPECT_TRUE(take(*store, {{key, &log, limits::kMaxLogQuota - 10}}));
    clock_.advance(seconds(1));
    EXPECT_TRUE(take(*store, {{key, &log, 10}}));
    EXPECT_FALSE(take(*store, {{key, &log, 1}}));
  }
  expect_accounted(*store);
  const std::vector<std::string> keys{"a", "b", "none"};
  EXPECT_EQ(*run_now(store->reset(keys)), 2);
  EXPECT_EQ(remaining(*store, "a", log), limits::kMaxLogQuota);
  EXPECT_EQ(remaining(*store, "c", log), 0);
  expect_accounted(*store);
}

TEST_F(ShmStoreTest, DumpsAsTheMemoryStoreDoes) {
  const Limit many = fixed_window(100);
  Limit log = many;
  log.algorithm = limits::Algorithm::kSlidingLog;
  MemoryStore model(clock_, {});
  const auto store = open();
  for (int i = 0; i < 60; ++i) {
    const std::vector<Charge> charges{{"w" + std::to_string(i % 7), &many, i % 5},
                                      {"log", &log, i % 3}};
    EXPECT_TRUE(take(*store, charges));
    EXPECT_TRUE(run_now(model.take({charges}, std::nullopt)));
    clock_.advance(seconds(1));
  }
  EXPECT_EQ(*store->dump(), model.dump());
}

// What a machine leaves behind that dies while a worker holds the mutex: an owner nobody knows.
TEST_F(ShmStoreTest, WhoIsAloneTakesTheMutexFromAnOwnerNobodyKnows) {
  const Limit two = fixed_window(2);
  const auto stop = [](std::string_view step) {
    if (step == "published") raise(SIGSTOP);
  };
  ChildProcess child([&] {
    return take(*open({.bytes = kSmall, .on_step = stop}), {{"k", &two, 1}});
  });
  ASSERT_TRUE(child.stops());
  const std::string copy = directory_.path() + "/copy";
  std::filesystem::copy_file(path(), copy);
  const auto store = ShmStore::open(copy, clock_, {.bytes = kSmall});
  ASSERT_TRUE(store) << store.error().detail;
  EXPECT_EQ(remaining(**store, "k", two), 1);
  expect_accounted(**store);
}

}  // namespace
}  // namespace sluice::store
