// Bodies as jansson reads them: what it takes reads the same, what it refuses has a reason.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <jansson.h>

#include "http/json.h"

namespace sluice::http {
namespace {

using Tree = std::unique_ptr<json_t, decltype(&json_decref)>;

constexpr const char* kName = "a";

Tree parse_tree(const std::string& text, std::size_t flags, json_error_t& error) {
  return {json_loadb(text.data(), text.size(), flags, &error), json_decref};
}

void expect_same_members(const JsonObject& object, const json_t* tree, const std::string& text) {
  const json_t* const member = json_object_get(tree, kName);
  const auto string = object.string(kName);
  const auto integer = object.integer(kName);
  if (!member || json_is_null(member)) {
    EXPECT_TRUE(string && !*string && integer && !*integer) << text;
    return;
  }
  ASSERT_EQ(string.has_value(), json_is_string(member)) << text;
  ASSERT_EQ(integer.has_value(), json_is_integer(member)) << text;
  if (string) {
    EXPECT_EQ(**string, std::string(json_string_value(member), json_string_length(member))) << text;
  }
  if (integer) {
    EXPECT_EQ(**integer, json_integer_value(member)) << text;
  }
}

// What jansson does not take, though its grammar is right.
bool is_jansson_s_own(const json_error_t& error) {
  switch (json_error_code(&error)) {
    case json_error_numeric_overflow:
    case json_error_null_character:
    case json_error_duplicate_key:
    case json_error_stack_overflow:
    case json_error_null_byte_in_key:
      return true;
    default:
      return std::string_view(error.text).starts_with("invalid Unicode");
  }
}

// Whether it is an object.
bool expect_parity(const std::string& text) {
  json_error_t error{};
  const Tree tree = parse_tree(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error);
  const auto object = JsonObject::parse(text);
  if (tree) {
    EXPECT_EQ(object.has_value(), json_is_object(tree.get())) << text;
    if (object) expect_same_members(*object, tree.get(), text);
  } else if (object) {
    EXPECT_TRUE(is_jansson_s_own(error)) << error.text << ": " << text;
  }
  return object.has_value();
}

const std::vector<std::string> kSeeds{R"({"a":"text","b":[1,2.5,-3e7,{"c":null}],"d":{"a":true}})",
                                      R"({"a":"\u00e9\ud83c\udfb6\n\"\\\/","\u0061b":false})",
                                      R"({"\u0061":-12,"n":0.0e+1})",
                                      "{\"a\":\"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb6\"}",
                                      R"( { "a" : 9223372036854775807 , "b" : [ ] , "c" : { } } )",
                                      R"({"b":[[[[{"a":[]}]]]],"a":null})"};

TEST(JsonParityTest, WhatJanssonTakesReadsTheSame) {
  for (const std::string& seed : kSeeds) EXPECT_TRUE(expect_parity(seed)) << seed;
}

TEST(JsonParityTest, SoDoesWhatHardlyDiffersFromIt) {
  // Without a NUL: after a number jansson passes over it.
  const std::string bytes = "{}[]\",:\\u0123456789abcdefE+-. \t\n\x1f\x7f\x80\xbf\xc3\xed\xf0\xff";
  std::mt19937 random(7);
  const auto below = [&](std::size_t bound) { return std::size_t{random()} % bound; };
  int objects = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string text = kSeeds[below(kSeeds.size())];
    for (std::size_t changes = 1 + below(3); changes > 0; --changes) {
      const std::size_t at = below(text.size());
      const std::size_t kind = below(3);
      if (kind == 0) text.erase(at, 1 + below(3));
      if (kind == 1) text[at] = bytes[below(bytes.size())];
      if (kind == 2) text.insert(at, 1, bytes[below(bytes.size())]);
      if (text.empty()) text = "{";
    }
    if (expect_parity(text)) ++objects;
    if (HasFailure()) return;
  }
  EXPECT_GT(objects, 5'000) << "the changes are small enough";
}

}  // namespace
}  // namespace sluice::http
