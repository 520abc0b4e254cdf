-- The peer of ./dev bench gate: a fixed window in Redis by EVALSHA over a pool of kept connections, as users of
-- nginx + Lua write it, with the denials in a shared dictionary until the window ends.
local redis = require "nginx.redis"  -- Debian's name of lua-resty-redis

local SCRIPT = [[
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
]]
local DETAIL = '{"detail":"Rate limit exceeded"}'

local sha
local M = {}

local function count(key, socket, window_ms)
  local connection = redis:new()
  connection:set_timeouts(1000, 1000, 1000)
  local good, failure = connection:connect("unix:" .. socket)
  if not good then return nil, failure end
  if not sha then sha = connection:script("load", SCRIPT) end
  local answer
  answer, failure = connection:evalsha(sha, 1, key, window_ms)
  if not answer then return nil, failure end
  connection:set_keepalive(30000, 128)
  return answer[1], answer[2]
end

local function show(quota, left, reset_ms)
  local header = ngx.header
  header["X-RateLimit-Limit"] = quota
  header["X-RateLimit-Remaining"] = left
  header["X-RateLimit-Reset"] = math.ceil(reset_ms / 1000)
end

local function deny(quota, reset_ms)
  show(quota, 0, reset_ms)
  ngx.header["Retry-After"] = math.ceil(reset_ms / 1000)
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Content-Length"] = #DETAIL
  ngx.status = 429
  ngx.print(DETAIL)
  return ngx.exit(429)
end

function M.access(key, socket, quota, window_ms)
  local denied = ngx.shared.denied
  local known = denied:get(key)
  local left_ms = known and known - ngx.now() * 1000 or 0
  if left_ms > 0 then return deny(quota, left_ms) end
  local used, reset_ms = count(key, socket, window_ms)
  if not used then
    ngx.log(ngx.ERR, reset_ms)
    return ngx.exit(503)
  end
  if used > quota then
    denied:set(key, ngx.now() * 1000 + reset_ms, reset_ms / 1000)
    return deny(quota, reset_ms)
  end
  show(quota, quota - used, reset_ms)
end

return M
