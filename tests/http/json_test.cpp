#include "http/json.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

TEST(JsonObjectTest, ReadsStringsAndTellsAbsentFromWrong) {
  const auto object = JsonObject::parse(R"({"a":"x\u00e9","n":1,"z":null})");
  ASSERT_TRUE(object);
  EXPECT_EQ(*object->string("a"), "x\xc3\xa9");
  EXPECT_EQ(*object->string("z"), std::nullopt);
  EXPECT_EQ(*object->string("absent"), std::nullopt);
  EXPECT_EQ(object->string("n").error().detail, "\"n\" must be a string");
}

TEST(JsonObjectTest, RefusesWhatIsNoSingleObject) {
  const std::vector<std::string> bodies{"",
                                        "{",
                                        "[]",
                                        "1",
                                        "\"a\"",
                                        "{}x",
                                        "{\"a\":1,\"a\":2}",
                                        "{\"a\":\"\\u0000\"}",
                                        "{\"a\":\"\xff\"}",
                                        "{\"a\":\"\\ud800\"}",
                                        "{\"a\":NaN}",
                                        "{'a':1}",
                                        std::string("{\"a\":\"\0\"}", 9),
                                        "\xef\xbb\xbf{}",
                                        std::string(100'000, '['),
                                        "{\"a\":" + std::string(5'000, '[')};
  for (const std::string& body : bodies) {
    const auto object = JsonObject::parse(body);
    ASSERT_FALSE(object) << body.substr(0, 40);
    EXPECT_EQ(object.error().code, ErrorCode::kBadRequest) << body.substr(0, 40);
  }
}

TEST(JsonObjectTest, WritesMembersInOrderAndCompact) {
  JsonObject inner;
  inner.set("status", "up");
  JsonObject object;
  object.set("text", "a\"b\n");
  object.set("number", std::int64_t{-3});
  object.set("none", std::optional<std::string_view>());
  object.set("store", std::move(inner));
  EXPECT_EQ(object.dump(), R"({"text":"a\"b\n","number":-3,"none":null,"store":{"status":"up"}})");
}

}  // namespace
}  // namespace sluice::http
