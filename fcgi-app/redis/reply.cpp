#include "redis/reply.h"

#include <hiredis.h>

namespace sluice::redis {
namespace {

std::optional<std::string_view> bytes_of(const Reply& reply, int type) {
  if (reply->type != type) return std::nullopt;
  return std::string_view(reply->str, reply->len);
}

}  // namespace

void ReplyRelease::operator()(redisReply* reply) const {
  freeReplyObject(reply);
}

std::optional<std::string_view> error_in(const Reply& reply) {
  return bytes_of(reply, REDIS_REPLY_ERROR);
}

std::optional<std::string_view> text_in(const Reply& reply) {
  return bytes_of(reply, REDIS_REPLY_STRING);
}

std::optional<std::int64_t> integer_in(const Reply& reply) {
  if (reply->type != REDIS_REPLY_INTEGER) return std::nullopt;
  return reply->integer;
}

std::string_view first_word(std::string_view error) {
  return error.substr(0, error.find(' '));
}

std::string_view without_arguments(std::string_view error) {
  return error.substr(0, error.find(", with args"));
}

}  // namespace sluice::redis
