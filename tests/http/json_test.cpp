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

TEST(JsonObjectTest, ReadsIntegersAndNothingElseForThem) {
  const auto object = JsonObject::parse(
      R"({"n":-5,"most":9223372036854775807,"f":2.0,"e":1e3,"b":true,"s":"1","z":null})");
  ASSERT_TRUE(object);
  EXPECT_EQ(*object->integer("n"), -5);
  EXPECT_EQ(*object->integer("most"), 9'223'372'036'854'775'807);
  EXPECT_EQ(*object->integer("z"), std::nullopt);
  EXPECT_EQ(*object->integer("absent"), std::nullopt);
  for (const char* name : {"f", "e", "b", "s"}) {
    ASSERT_FALSE(object->integer(name)) << name;
    EXPECT_EQ(object->integer(name).error().detail,
              std::string("\"") + name + "\" must be an integer");
  }
  EXPECT_FALSE(JsonObject::parse(R"({"n":9223372036854775808})"));
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

TEST(JsonWriterTest, WritesMembersInOrderAndCompact) {
  JsonWriter inner;
  inner.set("status", "up");
  JsonWriter object;
  object.set("text", "h\xc3\xa9").set("number", std::int64_t{-3});
  object.set_null("none").set("store", inner).set("empty", JsonWriter());
  EXPECT_EQ(object.text(),
            "{\"text\":\"h\xc3\xa9\",\"number\":-3,\"none\":null,\"store\":{\"status\":\"up\"},"
            "\"empty\":{}}");
}

TEST(JsonWriterTest, WritesArraysOfTextsAndObjects) {
  JsonArray texts;
  texts.add("a\"b").add("c");
  JsonArray objects;
  objects.add(JsonWriter().set("n", std::int64_t{1})).add(JsonWriter());
  JsonWriter object;
  object.set("texts", texts).set("objects", objects).set("none", JsonArray());
  EXPECT_EQ(object.text(), R"({"texts":["a\"b","c"],"objects":[{"n":1},{}],"none":[]})");
}

TEST(JsonWriterTest, WhatItEscapesIsReadBackAsItWas) {
  std::string every;
  for (int c = 1; c < 0x80; ++c) every += static_cast<char>(c);
  every += "\xf0\x9f\x8e\xb6";
  const auto object = JsonObject::parse(JsonWriter().set("text", every).text());
  ASSERT_TRUE(object);
  EXPECT_EQ(*object->string("text"), every);
}

}  // namespace
}  // namespace sluice::http
