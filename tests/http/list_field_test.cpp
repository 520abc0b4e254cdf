#include "http/list_field.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

std::vector<std::string> elements_from_the_right(std::string_view list) {
  std::vector<std::string> elements;
  for (;;) {
    const std::string_view element = take_last(list);
    if (element.empty()) return elements;
    elements.emplace_back(element);
  }
}

TEST(ListFieldTest, EmptyElementsAndBlanksDoNotCount) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> rows{
      {"", {}},
      {",", {}},
      {" ,\t, , ", {}},
      {"a", {"a"}},
      {" a\t", {"a"}},
      {"a,b, c", {"c", "b", "a"}},
      {"a, b,", {"b", "a"}},
      {"a, b, ,\t,", {"b", "a"}},
      {",a", {"a"}},
      {" , ,a,,,b", {"b", "a"}},
      {"a b ,\"c", {"\"c", "a b"}},
      {std::string(8192, ','), {}},
      {"a" + std::string(8192, ',') + "b", {"b", "a"}}};
  for (const auto& [list, elements] : rows) {
    EXPECT_EQ(elements_from_the_right(list), elements) << list.substr(0, 40);
  }
}

}  // namespace
}  // namespace sluice::http
