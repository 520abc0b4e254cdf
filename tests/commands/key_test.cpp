#include "commands/key.h"

#include <fstream>
#include <iterator>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "child_process.h"
#include "identity/credentials/api_key_file.h"
#include "temporary_directory.h"

namespace sluice::commands {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

const TimePoint kMade{std::chrono::seconds(1'800'000'000)};
const std::string kOnes(64, '1');

class KeyCommandTest : public testing::Test {
 protected:
  KeyCommandTest() {
    config_.policy.plans =
        std::make_shared<limits::Plans>(std::vector<limits::PlanLimit>{},
                                        limits::Plans::TenantLimits{{"acme", {}}, {"globex", {}}});
    config_.api_key_file = path_;
  }

  void write(const std::string& text) const {
    std::ofstream(path_) << text;
    ::chmod(path_.c_str(), 0640);
  }
  [[nodiscard]] std::string text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] identity::ApiKeys keys() const {
    auto list = identity::parse_api_keys(text());
    EXPECT_EQ(list.complaint_text(path_), "");
    return identity::ApiKeys(std::move(list.keys));
  }
  [[nodiscard]] std::string error_of(const NewKey& wanted) const {
    const auto made = new_key(config_, wanted, kMade);
    return made ? "no error" : made.error().detail;
  }

  const TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/sluice.keys";
  config::Loaded config_;
};

TEST_F(KeyCommandTest, ANewKeyIsOnTheListByItsHashAlone) {
  const auto made = new_key(config_, {.tenant = "acme", .user = "alice"}, kMade);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_THAT(made->id, MatchesRegex("k[0-9a-f]{10}"));
  const auto list = keys();
  const identity::ApiKey* const found = list.find(made->text);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, made->id);
  EXPECT_EQ(found->tenant, "acme");
  EXPECT_EQ(found->user, "alice");
  EXPECT_EQ(found->created, "2027-01-15T08:00:00Z");
  EXPECT_THAT(text(), StartsWith("# API keys: ID TENANT USER HASH CREATED."));
  EXPECT_THAT(text(), Not(HasSubstr(made->text.substr(4))));
}

TEST_F(KeyCommandTest, NewKeysStandBelowWhatTheFileHas) {
  const std::string old = "# mine\n\nk1 acme bob " + kOnes + " 2026-01-31T12:00:00Z # no";
  write(old.substr(0, old.size() - 5));  // without a newline at its end
  ASSERT_TRUE(new_key(config_, {.tenant = "globex", .user = "carol", .id = "k2"}, kMade));
  EXPECT_THAT(text(), StartsWith(old.substr(0, old.size() - 5) + "\nk2 globex carol "));
  EXPECT_THAT(text(), EndsWith(" 2027-01-15T08:00:00Z\n"));
  EXPECT_EQ(keys().size(), 2U);
}

TEST_F(KeyCommandTest, WhatTheFlagsGetWrongIsOneLine) {
  write("\nk1 acme bob " + kOnes + " 2026-01-31T12:00:00Z\n");
  const std::string before = text();
  const std::string id = ": must be up to 64 of a-z, 0-9, _ and -, a letter or digit first";
  EXPECT_EQ(error_of({.tenant = "nobody", .user = "u"}), "--tenant: the config has no \"nobody\"");
  EXPECT_EQ(error_of({.tenant = "acme", .user = "Alice"}), "--user" + id);
  EXPECT_EQ(error_of({.tenant = "acme", .user = ""}), "--user" + id);
  EXPECT_EQ(error_of({.tenant = "acme", .user = "u", .id = "a b"}), "--id" + id);
  EXPECT_EQ(error_of({.tenant = "acme", .user = "u", .id = "k1"}),
            "--id: \"k1\" is taken, at " + path_ + ":2");
  EXPECT_EQ(text(), before);
}

TEST_F(KeyCommandTest, AFileThatCannotBeUnderstoodStaysAsItIs) {
  const std::string bad = "k1 acme bob " + kOnes + "\nk2\n";
  write(bad);
  const std::string what = path_ + ":1: has 4 words; a line is ID TENANT USER HASH CREATED\n" +
                           path_ + ":2: has 1 words; a line is ID TENANT USER HASH CREATED";
  EXPECT_EQ(error_of({.tenant = "acme", .user = "u"}), what);
  EXPECT_EQ(list_keys(config_).error().detail, what);
  EXPECT_EQ(revoke_key(config_, "k2").error().detail, what);
  EXPECT_EQ(text(), bad);
}

TEST_F(KeyCommandTest, WithoutTheSectionThereAreNoKeys) {
  config_.api_key_file.clear();
  const std::string what =
      "the config has no API keys; add api_keys = { file = \"sluice.keys\"; };";
  EXPECT_EQ(error_of({.tenant = "acme", .user = "u"}), what);
  EXPECT_EQ(list_keys(config_).error().detail, what);
  const auto revoked = revoke_key(config_, "k1");
  EXPECT_EQ(revoked.error().detail, what);
  EXPECT_EQ(revoked.error().code, ErrorCode::kInvalidConfig);
}

TEST_F(KeyCommandTest, TheListIsATableWithoutHashes) {
  EXPECT_EQ(*list_keys(config_), "ID  TENANT  USER  CREATED\n");
  write("k-long acme bob " + kOnes + " 2026-01-31T12:00:00Z\n# k0\nk2 globex alexandra " +
        std::string(64, '2') + " 2026-02-28T00:00:00Z\n");
  EXPECT_EQ(*list_keys(config_),
            "ID      TENANT  USER       CREATED\n"
            "k-long  acme    bob        2026-01-31T12:00:00Z\n"
            "k2      globex  alexandra  2026-02-28T00:00:00Z\n");
}

TEST_F(KeyCommandTest, ARevokedKeyIsGoneAndNothingElse) {
  const auto line = [](const std::string& id, char digit) {
    return id + " acme bob " + std::string(64, digit) + " 2026-01-31T12:00:00Z";
  };
  const std::string first = "# k1\n" + line("k1", '1');
  write(first + "\n# k2\n" + line("k2", '2') + "\n" + line("k3", '3'));
  ASSERT_TRUE(revoke_key(config_, "k2"));
  EXPECT_EQ(text(), first + "\n# k2\n" + line("k3", '3'));
  ASSERT_TRUE(revoke_key(config_, "k3"));
  EXPECT_EQ(text(), first + "\n# k2\n");
  ASSERT_TRUE(revoke_key(config_, "k1"));
  EXPECT_EQ(text(), "# k1\n# k2\n");
  for (const char* id : {"k1", "", "slk_secret"}) {
    const auto revoked = revoke_key(config_, id);
    ASSERT_FALSE(revoked);
    EXPECT_EQ(revoked.error().detail, path_ + ": no key has this id; sluice key list shows them");
    EXPECT_EQ(revoked.error().code, ErrorCode::kBadRequest);
  }
}

// A tenant that the config no longer has: its keys can be revoked, so that workers start again.
TEST_F(KeyCommandTest, AKeyOfNoTenantCanBeRevoked) {
  write("k1 gone bob " + kOnes + " 2026-01-31T12:00:00Z\n");
  EXPECT_THAT(*list_keys(config_), HasSubstr("gone"));
  ASSERT_TRUE(revoke_key(config_, "k1"));
  EXPECT_EQ(text(), "");
}

TEST_F(KeyCommandTest, ManyProcessesAtOnceLoseNothing) {
  constexpr int kProcesses = 6;
  constexpr int kKeys = 15;
  write("# kept\n");
  {
    std::vector<ChildProcess> children;
    for (int process = 0; process < kProcesses; ++process) {
      children.emplace_back([&, process] {
        for (int i = 0; i < kKeys; ++i) {
          const std::string id = "p" + std::to_string(process) + "-" + std::to_string(i);
          if (!new_key(config_, {.tenant = "acme", .user = "u", .id = id}, kMade)) return false;
          // Every third one goes again.
          if (i % 3 == 0 && !revoke_key(config_, id)) return false;
        }
        return true;
      });
    }
    for (ChildProcess& child : children) EXPECT_TRUE(child.ends_well());
  }
  const auto list = keys();
  EXPECT_EQ(list.size(), static_cast<std::size_t>(kProcesses * kKeys * 2 / 3));
  for (int process = 0; process < kProcesses; ++process) {
    for (int i = 0; i < kKeys; ++i) {
      const std::string id = "p" + std::to_string(process) + "-" + std::to_string(i);
      EXPECT_EQ(list.find_id(id) != nullptr, i % 3 != 0) << id;
    }
  }
  EXPECT_THAT(text(), StartsWith("# kept\n"));
}

}  // namespace
}  // namespace sluice::commands
