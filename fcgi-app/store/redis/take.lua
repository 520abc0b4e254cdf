-- Charges every bucket, or none of them: the one script of a decision.
--
-- KEYS   one per charge, all distinct
-- ARGV   now (microseconds since the epoch; '' takes Redis's own time), then for each charge:
--        quota, window in microseconds, cost (0 peeks)
-- reply  allowed (1 or 0), now, then for each charge: remaining, reset_after, retry_after;
--        spans in microseconds, retry_after -1 where the cost is above the quota
-- state  "used reset_at", expiring when its window closes. A denial writes nothing.
--
-- The arithmetic is limits/algorithm.cpp's, step for step. Every number stays below 2^53, where
-- Lua's doubles are exact; '%.0f' writes them out, because tostring() keeps only 14 digits.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local allowed = 1
local states = {}
for i = 1, #KEYS do
  local quota = tonumber(ARGV[3 * i - 1])
  local window = tonumber(ARGV[3 * i])
  local cost = tonumber(ARGV[3 * i + 1])
  local used, reset_at = 0, now
  local stored = redis.call('GET', KEYS[i])
  if stored then
    local stored_used, stored_reset = string.match(stored, '^(%d+) (%d+)$')
    if not stored_used then
      return redis.error_reply('ERR bucket holds something else')
    end
    stored_reset = tonumber(stored_reset)
    if stored_reset > now then
      used = tonumber(stored_used)
      reset_at = math.min(stored_reset, now + window)
    end
  end
  local fits = cost == 0 or used + cost <= quota
  if not fits then
    allowed = 0
  end
  states[i] = {quota, window, cost, used, reset_at, fits}
end

local reply = {allowed, now}
for i = 1, #KEYS do
  local quota, window, cost, used, reset_at, fits = unpack(states[i])
  if allowed == 1 and cost > 0 then
    used = used + cost
    if reset_at == now then
      reset_at = now + window
    end
    redis.call('SET', KEYS[i], string.format('%.0f %.0f', used, reset_at),
               'PX', math.ceil((reset_at - now) / 1000))
  end
  local retry_after = 0
  if not fits then
    retry_after = cost > quota and -1 or reset_at - now
  end
  reply[3 * i] = math.max(0, quota - used)
  reply[3 * i + 1] = reset_at - now
  reply[3 * i + 2] = retry_after
end
return reply
