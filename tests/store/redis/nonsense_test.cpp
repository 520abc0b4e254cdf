// What becomes of a decision when Redis answers what it never should.
#include "limits/bytes.h"
#include "redis/fake_redis.h"
#include "redis/link_fixture.h"

namespace sluice::store {
namespace {

using limits::append_integer;
using redis::bulk;
using redis::FakeRedis;
using redis::LinkFixture;
using redis::reply_of;

constexpr std::int64_t kNow = 1'800'000'000'000'000;

std::string error_of(std::string_view text) {
  std::string bytes;
  append_integer<std::int64_t>(bytes, kNow);
  append_integer<std::uint16_t>(bytes, 0xffff);
  append_integer<std::uint16_t>(bytes, text.size());
  return bytes.append(text);
}

class NonsenseTest : public LinkFixture {
 protected:
  NonsenseTest() {
    options_.uri.path = directory_.path() + "/redis.sock";
    options_.wire.command_timeout = loop::Milliseconds(1'000);
  }

  redis::Link::Options options_;
  FakeRedis fake_{loop_, directory_.path() + "/redis.sock"};
};

TEST_F(NonsenseTest, IsAnOutageAndTheWireIsDropped) {
  const std::string good = reply_of(kNow, 0, 1);
  const std::vector<std::pair<const char*, std::string>> rows{
      {"a status", "+OK\r\n"},
      {"a number", ":1\r\n"},
      {"nothing", "$-1\r\n"},
      {"an array", "*1\r\n" + bulk(good)},
      {"no array", "*-1\r\n"},
      {"an empty string", bulk("")},
      {"the time alone", bulk(good.substr(0, 8))},
      {"cut short", bulk(good.substr(0, good.size() - 1))},
      {"more than was asked for", bulk(good + "x")},
      {"more than its quota", bulk(reply_of(kNow, 0, 101))},
      {"denied with room", bulk(reply_of(kNow, 1, 0))},
      {"before 1970", bulk(reply_of(-1, 0, 1))},
      {"after the end of time", bulk(reply_of(std::int64_t{1} << 60, 0, 1))},
      {"an error cut short", bulk(error_of("ERR no").substr(0, 14))},
      {"an error and more", bulk(error_of("ERR no") + "x")},
      {"another reply besides", bulk(good) + "+OK\r\n"},
      {"no reply of Redis's", "HTTP/1.1 400 Bad Request\r\n\r\n"},
      {"a huge array", "*2147483647\r\n"},
      {"a huge string", "$2147483647\r\n"},
      {"arrays in arrays", "*1000\r\n*1000\r\n"},
      {"a length below nothing", "$-5\r\n"},
      {"an empty error", "-\r\n"},
      {"an error without a word", "- \r\n"},
      {"an error of no word that Redis has", "-garbage\r\n"},
      {"an error in other letters", "-err no\r\n"},
      {"a word that goes on", "-ERROR no\r\n"},
      {"an error that is no text", "-\xff\xfe\r\n"},
      {"the error of a Cluster", "-MOVED 3999 127.0.0.1:7001\r\n"},
      {"the error of a log-in", "-WRONGPASS invalid username-password pair\r\n"},
      {"an error of no word for the decision", bulk(error_of("garbage"))},
      {"an empty error for the decision", bulk(error_of(""))},
      {"a clock that is far away, however often", bulk(error_of("CALENDAR"))},
  };
  for (const auto& [name, reply] : rows) {
    fake_.replies["EVALSHA"] = reply;
    open(options_);
    const auto decision = take();
    if (std::string_view(name) == "another reply besides") {
      EXPECT_TRUE(decision) << "it had come before";
      ASSERT_TRUE(loses_its_wire()) << name;
      continue;
    }
    ASSERT_FALSE(decision) << name;
    EXPECT_EQ(decision.error().code, ErrorCode::kStoreUnavailable) << name;
    EXPECT_EQ(link_->wire(), nullptr) << name;
    EXPECT_TRUE(link_->is_down()) << name;
    EXPECT_NE(link_->trouble(), "") << name;
    fake_.replies["EVALSHA"] = bulk(good);
    ASSERT_TRUE(recovers()) << name;
    EXPECT_TRUE(take()) << name;
  }
}

TEST_F(NonsenseTest, AnErrorOfTheScriptIsAFaultAndTheWireStays) {
  open(options_);
  for (const std::string& reply :
       {std::string("-WRONGTYPE Operation against a key\r\n"), std::string("-ERR no\r\n"),
        bulk(error_of("ERR a bucket holds something else")), bulk(error_of("WRONGTYPE"))}) {
    fake_.replies["EVALSHA"] = reply;
    const auto decision = take();
    ASSERT_FALSE(decision) << reply;
    EXPECT_EQ(decision.error().code, ErrorCode::kStoreFault) << reply;
    EXPECT_NE(link_->wire(), nullptr) << reply;
  }
  EXPECT_EQ(fake_.accepted(), 1);
}

TEST_F(NonsenseTest, ToAResetIsAnOutageToo) {
  open(options_);
  fake_.replies["DEL"] = "+OK\r\n";
  const std::vector<std::string> keys{"k"};
  std::optional<ErrorCode> code;
  const auto reset = [&]() -> Task<void> {
    const auto count = co_await store_->reset(keys);
    code = count ? ErrorCode::kInternal : count.error().code;
    loop_.stop();
  };
  tasks_.start(reset());
  loop_.run();
  EXPECT_EQ(code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(link_->wire(), nullptr);
}

TEST_F(NonsenseTest, AtLogInIsAnOutageThatSaysWhere) {
  options_.uri.password = "s3cret";
  options_.uri.db = 1;
  for (const char* command : {"AUTH", "SELECT", "SCRIPT"}) {
    const std::string before = fake_.replies[command];
    for (const char* reply : {":1\r\n", "$-1\r\n", "$2\r\nab\r\n", "*1\r\n+OK\r\n",
                              "$40\r\n0123456789012345678901234567890123456789\r\n"}) {
      fake_.replies[command] = reply;
      open(options_);
      EXPECT_TRUE(link_->is_down()) << command << reply;
      EXPECT_EQ(link_->trouble(), std::string(command) + ": a reply that makes no sense");
    }
    fake_.replies[command] = before;
  }
}

TEST_F(NonsenseTest, APasswordThatIsRepeatedIsNotTold) {
  options_.uri.password = "s3cret";
  const std::vector<std::pair<std::string, std::string>> rows{
      {"-ERR unknown command 'AUTH', with args beginning with: 's3cret' \r\n",
       "AUTH: ERR unknown command 'AUTH'"},
      {"-WRONGPASS not s3cret\r\n", "AUTH: WRONGPASS"},
      {"-s3cret\r\n", "AUTH: refused"},
      {"-NOAUTH Authentication required.\r\n", "AUTH: NOAUTH Authentication required."}};
  for (const auto& [reply, why] : rows) {
    fake_.replies["AUTH"] = reply;
    open(options_);
    EXPECT_EQ(link_->trouble(), why);
  }
  EXPECT_EQ(logged().find("s3cret"), std::string::npos) << logged();
}

}  // namespace
}  // namespace sluice::store
