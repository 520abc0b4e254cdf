#include "identity/credentials/secret.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temporary_directory.h"

namespace sluice::identity {
namespace {

const std::string kOnes(64, '1');

TEST(SecretTest, ReadsOneSecretALineAndSkipsComments) {
  const auto secrets = parse_secrets("# newest first\n" + kOnes + "\n\n" + std::string(64, 'f'));
  ASSERT_TRUE(secrets);
  ASSERT_EQ(secrets->size(), 2U);
  EXPECT_EQ((*secrets)[0][0], 0x11);
  EXPECT_EQ((*secrets)[1][31], 0xff);
}

TEST(SecretTest, RefusesWhatIsNoSecretAndNamesTheLine) {
  EXPECT_EQ(parse_secrets(kOnes + "\nabc\n").error().detail, "2: a secret is 64 hex digits");
  EXPECT_EQ(parse_secrets(std::string(64, 'g')).error().detail, "1: a secret is 64 hex digits");
  EXPECT_EQ(parse_secrets("# none\n").error().detail, "1: no secret");
}

TEST(SecretTest, AMarkInFrontAndTheLineEndsOfWindowsAreSkipped) {
  for (const std::string& text :
       {"\xef\xbb\xbf" + kOnes, "\xef\xbb\xbf# first\r\n\r\n" + kOnes + "\r\n"}) {
    const auto secrets = parse_secrets(text);
    ASSERT_TRUE(secrets) << secrets.error().detail;
    EXPECT_EQ(secrets->size(), 1U);
  }
  EXPECT_TRUE(parse_secret_list("\xef\xbb\xbf" + kOnes));
}

TEST(SecretTest, NamesACharacterThatCannotBeSeen) {
  const std::string what = "U+200B ZERO WIDTH SPACE in column 65 cannot be seen; remove it";
  EXPECT_EQ(parse_secrets("\n" + kOnes + "\xe2\x80\x8b\n").error().detail, "2: " + what);
  EXPECT_EQ(parse_secret_list(kOnes + "," + kOnes + "\xe2\x80\x8b").error().detail,
            "secret 2: " + what);
}

TEST(SecretTest, ReadsTheSecretsOfALine) {
  const std::string fs(64, 'F');
  for (const std::string& text :
       {kOnes + "," + fs, kOnes + " " + fs, " " + kOnes + "\n\t,, " + fs + "\r\n"}) {
    const auto secrets = parse_secret_list(text);
    ASSERT_TRUE(secrets) << text;
    ASSERT_EQ(secrets->size(), 2U);
    EXPECT_EQ((*secrets)[0][0], 0x11);
    EXPECT_EQ((*secrets)[1][31], 0xff);
  }
}

TEST(SecretTest, NamesTheSecretOfALineThatIsNoneAndShowsNothingOfIt) {
  const std::string why = " is not 64 hex digits; several have a comma between";
  const std::vector<std::pair<std::string, std::string>> rows{
      {"abc", "secret 1" + why},
      {kOnes + kOnes, "secret 1" + why},
      {kOnes + ";" + kOnes, "secret 1" + why},
      {kOnes + "," + kOnes + "\n" + kOnes.substr(1), "secret 3" + why},
      {kOnes + ", " + kOnes.substr(1) + "g", "secret 2" + why},
      {"# a comment\n" + kOnes, "secret 1" + why},
      {"", "no secret; one is 64 hex digits"},
      {" ,\n", "no secret; one is 64 hex digits"},
  };
  for (const auto& [text, error] : rows) {
    const auto secrets = parse_secret_list(text);
    ASSERT_FALSE(secrets) << text;
    EXPECT_EQ(secrets.error().code, ErrorCode::kInvalidConfig);
    EXPECT_EQ(secrets.error().detail, error);
  }
}

TEST(SecretTest, MakesAFileThatOnlyItsOwnerReadsAndReadsItAgain) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/secret";
  const auto made = load_secrets(path);
  ASSERT_TRUE(made) << made.error().detail;
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const auto again = load_secrets(path);
  ASSERT_TRUE(again);
  EXPECT_EQ(*made, *again);
}

TEST(SecretTest, MakesOneBesideWhatAProcessOfTheSameNumberIsMaking) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/secret";
  std::ofstream(path + "." + std::to_string(getpid())) << "half of";
  EXPECT_TRUE(load_secrets(path));
}

TEST(SecretTest, WhoOnlyReadsMakesNone) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/secret";
  const auto secrets = read_secrets(path);
  ASSERT_FALSE(secrets);
  EXPECT_EQ(secrets.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(secrets.error().detail, path + ": cannot read: No such file or directory");
  EXPECT_FALSE(std::ifstream(path).good());
}

TEST(SecretTest, RefusesAFileThatOthersMayRead) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/secret";
  std::ofstream(path) << kOnes << "\n";
  chmod(path.c_str(), 0644);
  EXPECT_EQ(load_secrets(path).error().detail, path + ": others may read it; chmod 600");
}

TEST(SecretTest, RefusesWhatIsNoFileOrTooLargeForOne) {
  const TemporaryDirectory directory;
  EXPECT_EQ(read_secrets(directory.path()).error().detail,
            directory.path() + ": is no regular file");
  const std::string fifo = directory.path() + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(read_secrets(fifo).error().detail, fifo + ": is no regular file");
  const std::string path = directory.path() + "/secret";
  std::ofstream(path) << kOnes << "\n#" << std::string(65'536 - 66, ' ');
  chmod(path.c_str(), 0600);
  EXPECT_TRUE(read_secrets(path));
  std::ofstream(path, std::ios::app) << ' ';
  EXPECT_EQ(read_secrets(path).error().detail, path + ": is larger than 65536 bytes");
}

TEST(SecretTest, SaysWhereItCannotMakeOne) {
  const auto secrets = load_secrets("/nowhere/secret");
  ASSERT_FALSE(secrets);
  EXPECT_EQ(secrets.error().detail, "/nowhere/secret: cannot create: No such file or directory");
}

}  // namespace
}  // namespace sluice::identity
