#include "http/json.h"

#include <string>
#include <utility>
#include <vector>

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
}

TEST(JsonObjectTest, AnIntegerOutOfRangeIsSaidSo) {
  const auto object = JsonObject::parse(
      R"({"n":9223372036854775808,"m":-9223372036854775809,"e":1e999,"d":-1e999,"t":7,"f":1e-999})");
  ASSERT_TRUE(object);
  for (const std::string name : {"n", "m", "e", "d"}) {
    EXPECT_EQ(object->integer(name).error().detail,
              "\"" + name + "\" must be an integer, not a number beyond 64 bits");
    EXPECT_EQ(object->integer(name, 1, 9).error().detail,
              "\"" + name + "\" must be an integer from 1 to 9, not a number beyond 64 bits");
  }
  EXPECT_EQ(*object->integer("t", 1, 7), 7);
  EXPECT_EQ(object->integer("t", 1, 6).error().detail, "\"t\" must be an integer from 1 to 6");
  EXPECT_EQ(object->integer("f").error().detail, "\"f\" must be an integer");
}

TEST(JsonObjectTest, ReadsWhatIsNested) {
  const auto object = JsonObject::parse(
      R"({"o":{"s":"x","o":{"n":1}},"e":{},"a":["x","\u00e9"],"b":[],"m":["x",1],"h":["\ud800"],)"
      R"("n":1,"z":null})");
  ASSERT_TRUE(object);
  const auto inner = object->object("o");
  ASSERT_TRUE(inner && *inner);
  EXPECT_EQ(*(*inner)->string("s"), "x");
  EXPECT_EQ(*(**(*inner)->object("o")).integer("n"), 1);
  EXPECT_TRUE((**object->object("e")).members().empty());
  EXPECT_EQ(*object->strings("a"), (std::vector<std::string>{"x", "\xc3\xa9"}));
  EXPECT_EQ(*object->strings("b"), std::vector<std::string>());
  for (const char* name : {"z", "absent"}) {
    EXPECT_FALSE(object->object(name)->has_value()) << name;
    EXPECT_FALSE(object->strings(name)->has_value()) << name;
  }
  for (const std::string name : {"n", "a"}) {
    EXPECT_EQ(object->object(name).error().detail, "\"" + name + "\" must be an object");
  }
  for (const std::string name : {"n", "o", "m", "h"}) {
    EXPECT_EQ(object->strings(name).error().detail, "\"" + name + "\" must be an array of strings");
  }
}

TEST(JsonObjectTest, TellsItsMembersAsTheyAreWritten) {
  const auto object = JsonObject::parse(R"({"b":[1, 2],"\u0061":null,"b":"x"})");
  ASSERT_TRUE(object);
  std::vector<std::pair<std::string, std::string>> shown;
  for (const JsonMember& member : object->members()) shown.emplace_back(member.name, member.value);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"b", "[1, 2]"}, {"\\u0061", "null"}, {"b", "\"x\""}};
  EXPECT_EQ(shown, expected);
}

std::string nested(const std::string& open, std::size_t levels, const std::string& close) {
  std::string text;
  for (std::size_t i = 0; i < levels; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < levels; ++i) text += close;
  return text;
}

TEST(JsonObjectTest, AMemberThatNobodyReadsDoesNoHarm) {
  for (const std::string& value : std::vector<std::string>{
           "1e999", "-1e999", "99999999999999999999", "-99999999999999999999", "[[1e999],-1e999]",
           R"({"a":{"b":[-1e999]}})", R"(1,"x":2,"x":{})", R"({"a":1,"a":2})", R"("\u0000")",
           R"("\ud800")", R"("\udc00\ud800")", R"({"\u0000":1,"\udfff":2})", std::string(500, '7'),
           nested("[", 20'000, "]"), nested("{\"a\":", 20'000, "}"),
           nested("[{\"a\":", 9'000, "}]"), "\"\xf4\x8f\xbf\xbf\"", R"(0,"":0)"}) {
    for (const std::string& text :
         {R"({"message":"hi","x":)" + value + "}", R"({"x":)" + value + R"(,"message":"hi"})"}) {
      const auto object = JsonObject::parse(text);
      ASSERT_TRUE(object) << value.substr(0, 40) << ": " << object.error().detail;
      EXPECT_EQ(*object->string("message"), "hi") << value.substr(0, 40);
    }
  }
}

TEST(JsonObjectTest, WhatIsWrongWithAMemberThatIsReadIsNamed) {
  const auto twice = JsonObject::parse(R"({"a":"1","b":1,"\u0061":null})");
  ASSERT_TRUE(twice);
  EXPECT_EQ(twice->string("a").error().detail, "Request body has member \"a\" twice");
  EXPECT_EQ(twice->integer("a").error().detail, "Request body has member \"a\" twice");
  EXPECT_EQ(*twice->integer("b"), 1);
  const auto texts = JsonObject::parse(R"({"nul":"a\u0000","half":"\ud800x","low":"\udc00"})");
  ASSERT_TRUE(texts);
  EXPECT_EQ(texts->string("nul").error().detail, "\"nul\" must not have a NUL in it");
  for (const std::string name : {"half", "low"}) {
    EXPECT_EQ(texts->string(name).error().detail,
              "\"" + name + "\" must not have half a surrogate pair in it");
  }
}

TEST(JsonObjectTest, ANameIsTheSameHoweverItIsSpelled) {
  for (const char* spelled : {"tenant_id", R"(\u0074enant_id)", R"(tenant\u005fid)",
                              R"(\u0074\u0065\u006E\u0061\u006e\u0074\u005F\u0069\u0064)"}) {
    const std::string text = std::string(R"({"x":0,")") + spelled + R"(" : "acme"})";
    const auto object = JsonObject::parse(text);
    ASSERT_TRUE(object) << spelled;
    EXPECT_EQ(*object->string("tenant_id"), "acme") << spelled;
  }
  for (const char* other : {"tenant_i", "tenant_idd", R"(tenant_\u0069)", R"(tenant_id\u0000)",
                            R"(\u0174enant_id)", R"(\tenant_id)", R"(tenant\\_id)", ""}) {
    const std::string text = std::string(R"({")") + other + R"(":"acme"})";
    const auto object = JsonObject::parse(text);
    ASSERT_TRUE(object) << other;
    EXPECT_EQ(*object->string("tenant_id"), std::nullopt) << other;
  }
}

TEST(JsonObjectTest, WhatIsNoJsonObjectIsRefusedWithTheReason) {
  const std::string where = "Request body is not valid JSON: line 1, column ";
  const std::string early = "the text ends too early";
  const std::string odd = "an unexpected character";
  const std::vector<std::pair<std::string, std::string>> rows{
      {"", "Request body is empty"},
      {" \r\n\t", "Request body is empty"},
      {"[]", "Request body must be a JSON object"},
      {"[{}]", "Request body must be a JSON object"},
      {"17", "Request body must be a JSON object"},
      {"\"a\"", "Request body must be a JSON object"},
      {"null", "Request body must be a JSON object"},
      {"{", where + "2: " + early},
      {"{\"a\":1", where + "7: " + early},
      {"{\"a\":1,", where + "8: " + early},
      {"{\"a\":\"b", where + "8: " + early},
      {"{\"a\":tru", where + "9: " + early},
      {"{\"a\":-", where + "7: " + early},
      {std::string(100'000, '['), where + "100001: " + early},
      {"{\"a\":" + std::string(5'000, '['), where + "5006: " + early},
      {"{}x", where + "3: something after the end of the value"},
      {"{}{}", where + "3: something after the end of the value"},
      {"{\"a\":NaN}", where + "6: " + odd},
      {"{'a':1}", where + "2: " + odd},
      {"{\"a\":1,}", where + "8: " + odd},
      {"{\"a\":[1,]}", where + "9: " + odd},
      {"{\"a\":[}", where + "7: " + odd},
      {"{\"a\" 1}", where + "6: " + odd},
      {"{\"a\":01}", where + "7: " + odd},
      {"{\"a\":+1}", where + "6: " + odd},
      {"{\"a\":1.}", where + "8: " + odd},
      {"{\"a\":.5}", where + "6: " + odd},
      {"{\"a\":1e}", where + "8: " + odd},
      {"{\"a\":True}", where + "6: " + odd},
      {"\xc2\xa0{}", where + "1: " + odd},
      {"// x\n{}", where + "1: " + odd},
      {std::string("{\"a\":1}\0", 8), where + "8: something after the end of the value"},
      {"{\n\"\xc3\xa9\" 1}",
       "Request body is not valid JSON: line 2, column 5: an unexpected character"},
      {std::string("{\"a\":\"\0\"}", 9), where + "7: a control character in a string"},
      {"{\"a\":\"\n\"}", where + "7: a control character in a string"},
      {"{\"a\tb\":1}", where + "4: a control character in a string"},
      {"{\"a\":\"\\x41\"}", where + "7: an escape that there is not"},
      {"{\"a\":\"\\u12g4\"}", where + "7: an escape that there is not"},
      {"{\"a\":\"\\", where + "7: an escape that there is not"},
      {"{\"a\":\"\xff\"}", where + "7: bytes that are not UTF-8"},
      {"{\"a\":\"\xc0\x80\"}", where + "7: bytes that are not UTF-8"},
      {"{\"a\":\"\xed\xa0\x80\"}", where + "7: bytes that are not UTF-8"},
      {"{\"a\":\"\xf4\x90\x80\x80\"}", where + "7: bytes that are not UTF-8"},
      {"{\"a\":\"\xe2\x82", where + "7: bytes that are not UTF-8"},
      {"\xef\xbb\xbf{}", where + "1: a byte order mark"},
      {std::string("{\0}\0", 4), where + "1: UTF-16 or UTF-32, not UTF-8"},
      {std::string("\0{\0}", 4), where + "1: UTF-16 or UTF-32, not UTF-8"},
      {std::string("\xff\xfe{\0}\0", 6), where + "1: UTF-16 or UTF-32, not UTF-8"},
      {std::string("\xfe\xff\0{\0}", 6), where + "1: UTF-16 or UTF-32, not UTF-8"}};
  for (const auto& [body, detail] : rows) {
    const auto object = JsonObject::parse(body);
    ASSERT_FALSE(object) << body.substr(0, 40);
    EXPECT_EQ(object.error().code, ErrorCode::kBadRequest) << body.substr(0, 40);
    EXPECT_EQ(object.error().detail, detail) << body.substr(0, 40);
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
  const std::string text = JsonWriter().set("text", every).text();
  const auto object = JsonObject::parse(text);
  ASSERT_TRUE(object);
  EXPECT_EQ(*object->string("text"), every);
}

}  // namespace
}  // namespace sluice::http
