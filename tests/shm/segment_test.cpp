#include "shm/segment.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child_process.h"
#include "temporary_directory.h"

namespace sluice::shm {
namespace {

constexpr Region kOne{1, 1, 8192};
constexpr Region kTwo{2, 1, 100};
constexpr std::array kBoth{kOne, kTwo};

class SegmentTest : public testing::Test {
 protected:
  Result<Segment> open(const std::vector<Region>& wanted, bool create = true) {
    return Segment::open(path_, wanted, create);
  }
  std::string error_of(const std::vector<Region>& wanted) {
    const auto opened = open(wanted);
    return opened ? "" : opened.error().detail;
  }
  void write(std::size_t at, std::string_view text) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << text;
  }
  std::string bytes() {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.path() + "/shared";
};

bool is_all(std::span<const std::byte> memory, int value) {
  return std::all_of(memory.begin(), memory.end(),
                     [&](std::byte byte) { return byte == static_cast<std::byte>(value); });
}

std::atomic<std::uint64_t>& first_word(const Segment& segment, const Region& region) {
  return *reinterpret_cast<std::atomic<std::uint64_t>*>(segment.memory(region).data());
}

TEST_F(SegmentTest, IsSharedByAllWhoOpenItAndBeginsAsZeros) {
  const auto first = Segment::open(path_, kBoth, true);
  const auto second = Segment::open(path_, kBoth, false);
  ASSERT_TRUE(first && second);
  for (const Region& region : kBoth) {
    const auto memory = second->memory(region);
    EXPECT_EQ(memory.size(), region.bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 64, 0U);
    EXPECT_TRUE(is_all(memory, 0));
    std::fill(memory.begin(), memory.end(), std::byte(region.id));
    EXPECT_TRUE(is_all(first->memory(region), region.id));
  }
  EXPECT_TRUE(is_all(first->memory(kOne), 1)) << "the other region is another's";
  EXPECT_EQ(std::filesystem::status(path_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(SegmentTest, OutlivesThoseWhoHadItOpen) {
  first_word(*open({kOne}), kOne) = 7;
  EXPECT_EQ(first_word(*open({kOne}), kOne), 7U);
}

TEST_F(SegmentTest, NothingIsMadeByWhoMayNot) {
  EXPECT_EQ(open({kOne}, false).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path_));
  ASSERT_TRUE(open({kOne}));
  EXPECT_TRUE(open({kOne}, false));
  EXPECT_EQ(open({kTwo}, false).error().code, ErrorCode::kNotFound);
  std::filesystem::resize_file(path_, 0);
  EXPECT_EQ(open({kOne}, false).error().code, ErrorCode::kNotFound);
}

TEST_F(SegmentTest, LiesInTheFileAsIsTold) {
  const auto segment = open({{0x0102, 0x0304, 100}, {5, 6, 64}});
  ASSERT_TRUE(segment);
  segment->memory({5, 6, 64})[0] = std::byte{'x'};
  const std::string text = bytes();
  EXPECT_EQ(text.size(), 4096U + 128 + 64);
  using namespace std::string_literals;
  EXPECT_EQ(text.substr(0, 32), "sluice\1\0\2\1\4\3\2\0\0\0\5\0\6\0\1\0\0\0\0\0\0\0\0\0\0\0"s);
  EXPECT_EQ(text[4096 + 128], 'x');
}

TEST_F(SegmentTest, WorkersOfTwoReleasesHaveOneFile) {
  const auto old = open({kOne});
  first_word(*old, kOne) = 1;
  const Region newer{1, 2, kOne.bytes};
  const Region larger{1, 1, kOne.bytes + 1};
  const auto upgraded = open({newer, kTwo});
  const auto grown = open({kTwo, larger});
  ASSERT_TRUE(old && upgraded && grown);
  EXPECT_TRUE(is_all(upgraded->memory(newer), 0)) << "what is in it is told another way";
  EXPECT_TRUE(is_all(grown->memory(larger), 0));
  first_word(*upgraded, newer) = 2;
  first_word(*grown, larger) = 3;
  first_word(*upgraded, kTwo) = 4;
  EXPECT_EQ(first_word(*grown, kTwo), 4U);
  EXPECT_EQ(first_word(*open({kOne}), kOne), 1U) << "an old worker that starts behind them";
  EXPECT_EQ(first_word(*open({newer}), newer), 2U);
}

TEST_F(SegmentTest, OfManyWhoOpenItAtOnceEachAddsWhatIsMissingOnce) {
  constexpr int kWorkers = 6;
  for (int round = 0; round < 20; ++round) {
    std::filesystem::remove(path_);
    Shared<std::atomic<int>> ready;
    const auto own = [](int worker) {
      return Region{static_cast<std::uint16_t>(10 + worker), 1, std::size_t{64} << worker};
    };
    std::vector<ChildProcess> workers;
    for (int worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([&, worker] {
        for (++*ready; *ready < kWorkers;) sched_yield();
        const auto segment = open({own(worker), kTwo});
        if (!segment || !is_all(segment->memory(own(worker)), 0)) return false;
        std::ranges::fill(segment->memory(own(worker)), std::byte(worker + 1));
        ++first_word(*segment, kTwo);
        return true;
      });
    }
    for (ChildProcess& worker : workers) EXPECT_TRUE(worker.ends_well());
    EXPECT_EQ(first_word(*open({kTwo}, false), kTwo), kWorkers);
    for (int worker = 0; worker < kWorkers; ++worker) {
      EXPECT_TRUE(is_all(open({own(worker)}, false)->memory(own(worker)), worker + 1));
    }
  }
}

TEST_F(SegmentTest, AWorkerThatIsKilledAnywhereLeavesItUsable) {
  std::mt19937 random(7);  // NOLINT(*-msc51-cpp): the same each time
  for (int round = 0; round < 30; ++round) {
    std::filesystem::remove(path_);
    Shared<std::atomic<std::uint16_t>> opened;
    ChildProcess worker([&] {
      for (std::uint16_t id = 10; id < 500; ++id) {
        const auto segment = open({{id, 1, 64}});
        if (!segment) return false;
        first_word(*segment, {id, 1, 64}) = id;
        *opened = id;
      }
      return true;
    });
    const auto until = static_cast<std::uint16_t>(10 + random() % 60);
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (*opened < until) {
      ASSERT_LT(std::chrono::steady_clock::now(), patience) << "the worker opened no more";
      sched_yield();
    }
    worker.signal(SIGKILL);
    EXPECT_FALSE(worker.ends_well());
    for (std::uint16_t id = 10; id <= *opened; ++id) {
      EXPECT_EQ(first_word(*open({{id, 1, 64}}, false), {id, 1, 64}), id);
    }
    const auto next = open({kOne, kTwo});
    ASSERT_TRUE(next) << next.error().detail;
    EXPECT_TRUE(is_all(next->memory(kOne), 0));
  }
}

TEST_F(SegmentTest, SaysWhenItHasNoRoomForAnotherRegion) {
  for (std::uint16_t version = 1; version <= 511; ++version) {
    ASSERT_TRUE(open({{1, version, 8}})) << version;
  }
  EXPECT_EQ(error_of({{1, 512, 8}}),
            path_ + ": has no room for another region; stop all workers and remove the file");
  EXPECT_TRUE(open({{1, 511, 8}}));
}

TEST_F(SegmentTest, RefusesWhatSomebodyElseMayHavePutThere) {
  const std::string target = directory_.path() + "/target";
  std::ofstream(target) << "precious";
  std::filesystem::create_symlink(target, path_);
  EXPECT_FALSE(open({kOne})) << "a link";
  EXPECT_EQ(std::filesystem::file_size(target), 8U);
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(open({kOne})) << "a folder";
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(error_of({kOne}), path_ + ": is no file");
}

TEST_F(SegmentTest, LeavesAFileAloneThatHoldsSomethingElse) {
  const std::string behind_zeros = std::string(4096, '\0') + "precious";
  for (const std::string& text : {std::string("precious"), std::string(5000, 'x'), behind_zeros}) {
    std::ofstream(path_, std::ios::binary) << text;
    EXPECT_EQ(error_of({kOne}),
              path_ + ": holds something else; name another file, or remove this one");
    EXPECT_EQ(bytes(), text);
  }
}

TEST_F(SegmentTest, RefusesAFileOfAnotherLayout) {
  ASSERT_TRUE(open({kOne}));
  write(6, "\2");
  EXPECT_EQ(error_of({kOne}),
            path_ + ": is of another version of Sluice; stop all workers and remove the file");
}

TEST_F(SegmentTest, RefusesAFileThatIsCutShort) {
  const std::string damaged = path_ + ": is damaged; stop all workers and remove the file";
  ASSERT_TRUE(open({kOne}));
  std::filesystem::resize_file(path_, 4096 + 64);
  EXPECT_EQ(error_of({kOne}), damaged);
  EXPECT_EQ(error_of({kTwo}), damaged);
}

TEST_F(SegmentTest, OfOneProcessHasNoFile) {
  const auto one = Segment::anonymous(kBoth);
  const auto other = Segment::anonymous(kBoth);
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->memory(kTwo).size(), kTwo.bytes);
  first_word(*one, kTwo) = 1;
  EXPECT_TRUE(is_all(other->memory(kTwo), 0));
  EXPECT_TRUE(is_all(one->memory(kOne), 0));
}

}  // namespace
}  // namespace sluice::shm
