-- Charges the buckets of each decision, or none of that decision's: the one script there is.
--
-- Decisions that come up in one turn of a worker's loop travel in one call and are taken in order,
-- each on its own: a denial, or a bucket that cannot be read, is no matter of the next one.
--
-- KEYS   one per charge, in order; those of one decision are distinct
-- ARGV   one string of integers: now (microseconds since the epoch; 0 takes Redis's own time), then
--        for each decision: the number of its charges, and for each charge quota, window in
--        microseconds, cost (0 peeks)
-- reply  one string of integers: now, then for each decision: 1 allowed or 0 denied, and for each of
--        its charges remaining, reset_after, retry_after (spans in microseconds; retry_after -1
--        where the cost is above the quota); or -1, and the size and text of an error
--        Integers are of 64 bits, little-endian: as text they cost a third more in all.
-- state  two integers, used and opened_at; the key expires when its window closes. A denial writes
--        nothing; a key that somebody made persistent expires again from the next charge on.
--
-- The arithmetic is limits/algorithm.cpp's, step for step. Every number stays below 2^53, where
-- Lua's doubles are exact.
local pack, unpack_integers, format = struct.pack, struct.unpack, string.format
local input = ARGV[1]

local now, position = unpack_integers('<i8', input)
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- The open window of a bucket: used, and opened_at, which is now where none is open; or an error.
local function read(key, window)
  local stored = redis.pcall('GET', key)
  if not stored then
    return 0, now
  end
  if type(stored) ~= 'string' or #stored ~= 16 then
    return 0, now, stored.err or 'ERR a bucket holds something else'
  end
  local used, opened_at = unpack_integers('<i8i8', stored)
  if opened_at > now or opened_at + window <= now then
    return 0, now
  end
  return used, opened_at
end

-- Writes a bucket; an error, if Redis refuses. It refuses the first write of a call or none, so a
-- decision is never charged in part.
local function write(key, used, opened_at, window)
  local left = opened_at + window - now
  return redis.pcall('SET', key, pack('<i8i8', used, opened_at),
                     'PX', format('%d', (left + 999) / 1000)).err
end

-- One decision at a time, by number of its charge.
local quotas, windows, costs, useds, openings, fits = {}, {}, {}, {}, {}, {}

local output = {pack('<i8', now)}
local key = 0
while position <= #input do
  local count
  count, position = unpack_integers('<i8', input, position)
  local allowed, problem = 1, nil
  for i = 1, count do
    local quota, window, cost, failure
    quota, window, cost, position = unpack_integers('<i8i8i8', input, position)
    quotas[i], windows[i], costs[i] = quota, window, cost
    useds[i], openings[i], failure = read(KEYS[key + i], window)
    fits[i] = cost == 0 or useds[i] + cost <= quota
    if not fits[i] then
      allowed = 0
    end
    problem = problem or failure
  end

  local first = #output + 1
  output[first] = pack('<i8', allowed)
  for i = 1, count do
    local quota, window, cost, used = quotas[i], windows[i], costs[i], useds[i]
    if allowed == 1 and cost > 0 and not problem then
      used = used + cost
      problem = write(KEYS[key + i], used, openings[i], window)
    end
    local reset_after = used > 0 and openings[i] + window - now or 0
    local retry_after = 0
    if not fits[i] then
      retry_after = cost > quota and -1 or reset_after
    end
    output[first + i] = pack('<i8i8i8', used < quota and quota - used or 0, reset_after,
                             retry_after)
  end
  if problem then
    output[first] = pack('<i8i8', -1, #problem) .. problem
    for i = 1, count do
      output[first + i] = ''
    end
  end
  key = key + count
end
return table.concat(output)
