-- Charges the buckets of each decision, or none of that decision's: the one script there is.
--
-- Decisions that come up in one turn of a worker's loop travel in one call and are taken in order,
-- each on its own: a denial, or a bucket that cannot be read, is no matter of the next one.
--
-- KEYS   one per charge, in order; those of one decision are distinct
-- ARGV   one string of 64-bit little-endian integers: now (microseconds since the epoch; 0 takes
--        Redis's own time), then for each decision: the number of its charges, and for each charge
--        quota, window in microseconds, cost (0 peeks)
-- reply  now, then for each decision: 1 allowed, 0 denied, -1 fault; and for each of its charges
--        remaining, reset_after, retry_after; spans in microseconds, retry_after -1 where the cost
--        is above the quota
-- state  "used reset_at", expiring when its window closes. A denial writes nothing.
--
-- The arithmetic is limits/algorithm.cpp's, step for step. Every number stays below 2^53, where
-- Lua's doubles are exact; '%d' writes them out whole, where tostring() keeps only 14 digits.
local unpack_integers = struct.unpack
local input = ARGV[1]

local now, position = unpack_integers('<i8', input)
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- The open window of a bucket: used and reset_at, which is now where none is open; nil if the
-- bucket holds something else.
local function read(key, window)
  local stored = redis.pcall('GET', key)
  if not stored then
    return 0, now
  end
  local used, reset_at = nil, nil
  if type(stored) == 'string' then
    used, reset_at = string.match(stored, '^(%d+) (%d+)$')
  end
  if not used then
    return nil
  end
  reset_at = tonumber(reset_at)
  if reset_at <= now then
    return 0, now
  end
  if reset_at > now + window then
    reset_at = now + window
  end
  return tonumber(used), reset_at
end

local reply = {now}
local key = 0
while position <= #input do
  local count
  count, position = unpack_integers('<i8', input, position)
  local verdict = 1
  local quotas, windows, costs, useds, resets, fits = {}, {}, {}, {}, {}, {}
  for i = 1, count do
    local quota, window, cost
    quota, window, cost, position = unpack_integers('<i8i8i8', input, position)
    local used, reset_at = read(KEYS[key + i], window)
    fits[i] = used ~= nil and (cost == 0 or used + cost <= quota)
    if not used then
      verdict = -1
    elseif not fits[i] and verdict == 1 then
      verdict = 0
    end
    quotas[i], windows[i], costs[i], useds[i], resets[i] = quota, window, cost, used or 0,
                                                           reset_at or now
  end

  local base = #reply + 1
  reply[base] = verdict
  for i = 1, count do
    local used, reset_at, cost = useds[i], resets[i], costs[i]
    if verdict == 1 and cost > 0 then
      used = used + cost
      if reset_at == now then
        reset_at = now + windows[i]
      end
      redis.call('SET', KEYS[key + i], string.format('%d %d', used, reset_at),
                 'PX', string.format('%d', math.ceil((reset_at - now) / 1000)))
    end
    local retry_after = 0
    if not fits[i] then
      retry_after = cost > quotas[i] and -1 or reset_at - now
    end
    reply[base + 3 * i - 2] = used < quotas[i] and quotas[i] - used or 0
    reply[base + 3 * i - 1] = reset_at - now
    reply[base + 3 * i] = retry_after
  end
  key = key + count
end
return reply
