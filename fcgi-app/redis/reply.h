// What Redis answered, as hiredis parsed it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

struct redisReply;

namespace sluice::redis {

struct ReplyRelease {
  void operator()(redisReply* reply) const;
};
// Any reply, an error reply too.
using Reply = std::unique_ptr<redisReply, ReplyRelease>;

// Each looks at a reply of one type; nothing of any other. The text lives as long as the reply.
[[nodiscard]] std::optional<std::string_view> error_in(const Reply& reply);
[[nodiscard]] std::optional<std::string_view> text_in(const Reply& reply);
[[nodiscard]] std::optional<std::int64_t> integer_in(const Reply& reply);

// The one element of an array: its text, or that there is nothing. Nothing of any other reply.
[[nodiscard]] std::optional<std::optional<std::string_view>> only_text_in(const Reply& reply);

// Which error it is: "NOSCRIPT", "ERR".
[[nodiscard]] std::string_view first_word(std::string_view error);

// What an error reply says, for people: without the arguments, the password among them, which Redis
// repeats where it does not know a command.
[[nodiscard]] std::string_view without_arguments(std::string_view error);

}  // namespace sluice::redis
