#include "identity/credentials/api_key_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "temporary_directory.h"

namespace sluice::identity {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

const std::string kOnes(64, '1');
const std::string kTwos(64, '2');
const std::string kDate = " 2026-01-31T12:00:00Z";

TEST(ParseApiKeys, ReadsOneALineBesideCommentsAndBlanks) {
  const auto list = parse_api_keys("# ours\n\nk1 acme alice " + kOnes + kDate +
                                   "\n  \t\n  # more\n\tk-2  globex\tbob " + kTwos + kDate + "  ");
  EXPECT_EQ(list.complaint_text("f"), "");
  ASSERT_EQ(list.keys.size(), 2U);
  EXPECT_EQ(list.keys[0].id, "k1");
  EXPECT_EQ(list.keys[0].tenant, "acme");
  EXPECT_EQ(list.keys[0].user, "alice");
  EXPECT_EQ(list.keys[0].hash.front(), 0x11);
  EXPECT_EQ(list.keys[0].hash.back(), 0x11);
  EXPECT_EQ(list.keys[0].created, "2026-01-31T12:00:00Z");
  EXPECT_EQ(list.keys[0].line, 3U);
  EXPECT_EQ(list.keys[1].id, "k-2");
  EXPECT_EQ(list.keys[1].line, 6U);
  EXPECT_EQ(api_key_line(list.keys[1]), "k-2 globex bob " + kTwos + kDate);
}

TEST(ParseApiKeys, NothingIsAnEmptyList) {
  for (const char* text : {"", "\n", "# none", "#\n\n"}) {
    const auto list = parse_api_keys(text);
    EXPECT_TRUE(list.keys.empty() && list.complaints.empty()) << text;
  }
}

TEST(ParseApiKeys, SaysWhatIsWrongWithALine) {
  const std::string id = " must be up to 64 of a-z, 0-9, _ and -, a letter or digit first";
  const std::string hash =
      "HASH must be 64 hex digits; remove the line and make a key with sluice key new";
  const std::string created = "CREATED must be a time in UTC as 2026-01-31T12:00:00Z";
  struct Row {
    std::string line;
    std::string what;
  };
  const std::vector<Row> rows{
      {"k1", "has 1 words; a line is ID TENANT USER HASH CREATED"},
      {"k1 acme alice " + kOnes, "has 4 words; a line is ID TENANT USER HASH CREATED"},
      {"k1 acme alice " + kOnes + kDate + " x",
       "has 6 words; a line is ID TENANT USER HASH CREATED"},
      {"K1 acme alice " + kOnes + kDate, "ID" + id},
      {std::string(65, 'k') + " acme alice " + kOnes + kDate, "ID" + id},
      {"k1 ac:me alice " + kOnes + kDate, "TENANT" + id},
      {"k1 acme @ " + kOnes + kDate, "USER" + id},
      {"k1 acme alice " + kOnes + "1" + kDate, hash},
      {"k1 acme alice " + kOnes.substr(1) + kDate, hash},
      {"k1 acme alice " + kOnes.substr(1) + "g" + kDate, hash},
      {"k1 acme alice " + kOnes.substr(1) + "-" + kDate, hash},
      {"k1 acme alice " + generate_api_key() + kDate, hash},
      {"k1 acme alice " + kOnes + " 2026-01-31", created},
      {"k1 acme alice " + kOnes + " 2026-02-29T12:00:00Z", created},
      {"k1 acme alice " + kOnes + " 2026-01-31T24:00:00Z", created},
      {"k1 acme alice " + kOnes + " 2026-01-31t12:00:00Z", created},
      {"k1 acme alice " + kOnes + kDate + "\r\r", created},
  };
  for (const Row& row : rows) {
    const auto list = parse_api_keys("\n" + row.line + "\n");
    EXPECT_EQ(list.complaint_text("dir/f"), "dir/f:2: " + row.what) << row.line;
  }
}

TEST(ParseApiKeys, TellsAllMistakesAtOnceAndWhatStandsTwice) {
  const auto list = parse_api_keys("k1 acme alice " + kOnes + kDate + "\nbad\nk1 acme bob " +
                                   kTwos + kDate + "\nk2 globex carol " + kOnes + kDate + "\n");
  EXPECT_EQ(list.complaint_text("f"),
            "f:2: has 1 words; a line is ID TENANT USER HASH CREATED\n"
            "f:3: duplicate ID; the first is in line 1\n"
            "f:4: duplicate HASH; the first is in line 1");
}

// A key that was put into a file by mistake must not get into a log from there.
TEST(ParseApiKeys, NeverRepeatsWhatALineSays) {
  const std::string key = generate_api_key();
  for (const std::string& line :
       {key, key + " acme alice " + kOnes + kDate, "k1 " + key + " alice " + kOnes + kDate,
        "k1 acme " + key + " " + kOnes + kDate, "k1 acme alice " + key + kDate,
        "k1 acme alice " + kOnes + " " + key}) {
    const std::string text = parse_api_keys(line).complaint_text("f");
    EXPECT_THAT(text, testing::StartsWith("f:1: "));
    EXPECT_THAT(text, testing::Not(testing::HasSubstr(key)));
  }
}

TEST(CreatedText, IsInUtcToTheSecond) {
  EXPECT_EQ(created_text(TimePoint(std::chrono::microseconds(1'800'000'000'999'999))),
            "2027-01-15T08:00:00Z");
}

class ApiKeyFileTest : public testing::Test {
 protected:
  void write(const std::string& text, mode_t mode = 0640) const {
    std::ofstream(path_) << text;
    ::chmod(path_.c_str(), mode);
  }
  [[nodiscard]] std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] mode_t mode() const {
    struct stat info {};
    EXPECT_EQ(::stat(path_.c_str(), &info), 0);
    return info.st_mode & 07777U;
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  static Result<std::string> append(std::string_view text) { return std::string(text) + "x\n"; }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/keys";
};

TEST_F(ApiKeyFileTest, OneThatDoesNotExistIsEmpty) {
  EXPECT_EQ(*read_api_key_file(path_), "");
  EXPECT_EQ(*read_api_key_file(directory_.path() + "/none/keys"), "");
  EXPECT_TRUE(files().empty());
}

TEST_F(ApiKeyFileTest, SaysWhyItIsNotRead) {
  EXPECT_EQ(read_api_key_file(directory_.path()).error().detail,
            "cannot be read: it is not a regular file");
  EXPECT_EQ(read_api_key_file("/dev/null").error().detail,
            "cannot be read: it is not a regular file");
  write("", 0662);
  EXPECT_EQ(read_api_key_file(path_).error().detail, "everybody may add keys; chmod o-w");
  EXPECT_EQ(read_api_key_file(path_ + "/x").error().detail, "cannot be read: Not a directory");
  write(std::string(kMaxApiKeyFileBytes, '\n'));
  EXPECT_EQ(read_api_key_file(path_)->size(), kMaxApiKeyFileBytes);
  write(std::string(kMaxApiKeyFileBytes + 1, '\n'));
  EXPECT_EQ(read_api_key_file(path_).error().detail,
            "cannot be read: it is larger than 16777216 bytes");
}

TEST_F(ApiKeyFileTest, ANewOneIsForOwnerAndGroupWhateverTheUmask) {
  const mode_t old = ::umask(0077);
  const auto changed = change_api_key_file(path_, append);
  ::umask(old);
  ASSERT_TRUE(changed) << changed.error().detail;
  EXPECT_EQ(text(), "x\n");
  EXPECT_EQ(mode(), 0640U);
  EXPECT_THAT(files(), ElementsAre("keys"));
}

TEST_F(ApiKeyFileTest, AChangeKeepsTheModeAndLeavesNothingBehind) {
  write("a\n", 0660);
  std::ofstream(path_ + ".new") << "of one that was killed";
  ASSERT_TRUE(change_api_key_file(path_, append));
  EXPECT_EQ(text(), "a\nx\n");
  EXPECT_EQ(mode(), 0660U);
  EXPECT_THAT(files(), ElementsAre("keys"));
}

TEST_F(ApiKeyFileTest, AChangeGoesWhereALinkPoints) {
  write("a\n");
  const std::string link = directory_.path() + "/link";
  fs::create_symlink("keys", link);
  ASSERT_TRUE(change_api_key_file(link, append));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(text(), "a\nx\n");
}

TEST_F(ApiKeyFileTest, AChangeThatFailsChangesNothing) {
  write("a\n");
  const auto refused = change_api_key_file(path_, [](std::string_view) -> Result<std::string> {
    return fail(ErrorCode::kBadRequest, "no");
  });
  EXPECT_EQ(refused.error().detail, "no");
  const auto full = change_api_key_file(path_, [](std::string_view) -> Result<std::string> {
    return std::string(kMaxApiKeyFileBytes + 1, '\n');
  });
  EXPECT_EQ(full.error().detail, path_ + ": is full: 16777216 bytes");
  EXPECT_EQ(text(), "a\n");
  EXPECT_THAT(files(), ElementsAre("keys"));
  EXPECT_EQ(change_api_key_file(directory_.path() + "/none/keys", append).error().detail,
            directory_.path() + "/none: cannot open: No such file or directory");
}

// Readers look at the file while it is replaced: the old or the new, never half of one.
TEST_F(ApiKeyFileTest, WhoHasTheOldFileOpenKeepsIt) {
  write("a\n");
  std::ifstream before(path_);
  ASSERT_TRUE(change_api_key_file(path_, append));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(before), {}), "a\n");
}

}  // namespace
}  // namespace sluice::identity
