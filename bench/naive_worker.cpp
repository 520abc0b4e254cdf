// What one would write first, to be measured beside Sluice: a blocking FCGX_Accept_r loop with one
// blocking EVALSHA of INCR and PEXPIRE per request, behind nginx without kept connections. It does
// less than a worker of Sluice: it believes every header, signs and checks nothing, and has no
// time-outs.
#include <cstdlib>
#include <string>

#include <fcgiapp.h>
#include <hiredis.h>
#include <jansson.h>

namespace {

constexpr const char* kScript =
    "local used = redis.call('INCR', KEYS[1]) "
    "if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end "
    "return {used <= tonumber(ARGV[1]) and 1 or 0, ARGV[1] - used}";

std::string read_body(FCGX_Request& request) {
  std::string body;
  char chunk[8192];
  int size = 0;
  while ((size = FCGX_GetStr(chunk, sizeof chunk, request.in)) > 0) {
    body.append(chunk, static_cast<std::size_t>(size));
  }
  return body;
}

void answer(FCGX_Request& request, redisContext* redis, const std::string& sha) {
  const std::string body = read_body(request);
  json_t* json = json_loadb(body.data(), body.size(), 0, nullptr);
  const char* session = FCGX_GetParam("HTTP_X_SESSION_ID", request.envp);
  const char* quota = FCGX_GetParam("QUOTA", request.envp);
  const std::string key = std::string("naive:") + (session ? session : "");
  auto* reply = static_cast<redisReply*>(
      redisCommand(redis, "EVALSHA %s 1 %s %s 86400000", sha.c_str(), key.c_str(), quota));
  const bool allowed = reply && reply->type == REDIS_REPLY_ARRAY && reply->element[0]->integer == 1;
  const json_t* message = json ? json_object_get(json, "message") : nullptr;
  FCGX_FPrintF(request.out,
               "Status: %s\r\nContent-Type: application/json\r\nX-RateLimit-Remaining: %lld\r\n\r\n"
               "{\"reply\":\"%s\"}",
               allowed ? "200 OK" : "429 Too Many Requests",
               reply && reply->elements > 1 ? reply->element[1]->integer : 0LL,
               message ? json_string_value(message) : "");
  if (reply) freeReplyObject(reply);
  json_decref(json);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  redisContext* redis = redisConnectUnix(argv[1]);
  if (!redis || redis->err) return 1;
  auto* loaded = static_cast<redisReply*>(redisCommand(redis, "SCRIPT LOAD %s", kScript));
  if (!loaded || loaded->type != REDIS_REPLY_STRING) return 1;
  const std::string sha(loaded->str, loaded->len);
  freeReplyObject(loaded);

  FCGX_Init();
  FCGX_Request request;
  FCGX_InitRequest(&request, 0, 0);
  while (FCGX_Accept_r(&request) == 0) {
    answer(request, redis, sha);
    FCGX_Finish_r(&request);
  }
  return 0;
}
