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

std::optional<std::optional<std::string_view>> only_text_in(const Reply& reply) {
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1) return std::nullopt;
  const redisReply& element = **reply->element;
  if (element.type == REDIS_REPLY_NIL) return std::optional<std::string_view>();
  if (element.type != REDIS_REPLY_STRING) return std::nullopt;
  return std::string_view(element.str, element.len);
}

std::string_view first_word(std::string_view error) {
  return error.substr(0, error.find(' '));
}

std::string_view without_arguments(std::string_view error) {
  return error.substr(0, error.find(", with args"));
}

}  // namespace sluice::redis
