-- Charges the buckets of each decision, or none of that decision's: the one script there is.
--
-- Decisions that come up in one turn of a worker's loop travel in one call and are taken in order,
-- each on its own: a denial, or a bucket that cannot be read, is no matter of the next one. All
-- buckets are read at first and written at last, each once, however many decisions share it.
--
-- KEYS   one per charge, in order; those of one decision are distinct
-- ARGV   one string:
--        8 now (microseconds since the epoch; 0 takes Redis's own time), 2 number of limits,
--        for each limit: its terms (limits/bucket.h), 1 on_change, 1 mode, and for the calendar 8
--          start of this period, 8 its end, 8 the end of the next
--        for each decision: 1 number of charges, and for each charge 2 number of its limit (from
--          1), 4 cost (0 peeks)
-- reply  one string: 8 now, then for each decision: 1 denied (0) or allowed (1), and for each of
--        its charges 1 whether the cost fits, and the view of its bucket (limits/bucket.h); or
--        2, 2 size of an error, its text. "CALENDAR" is one: now is outside the periods given.
-- state  see limits/bucket.h. The key expires when it says no more than no key would. A denial
--        writes nothing. A key that somebody made persistent expires again from its next window.
--
-- Integers are little-endian: as text they cost a third more in all. The arithmetic is that of
-- limits/arithmetic.cpp and limits/change.cpp, step for step; balances are computed there alone.
-- Every number stays below 2^53, where Lua's doubles are exact.
local pack, read, format, sub, rep = struct.pack, struct.unpack, string.format, string.sub, string.rep
local fmod, min, call = math.fmod, math.min, redis.call
local input = ARGV[1]

local FIXED_WINDOW, SLIDING_LOG, SLIDING_WINDOW = 1, 2, 3  -- token_bucket 4 and leaky_bucket 5 alike
local RESET, PROPORTIONAL = 1, 2
local CLOCK, CALENDAR = 1, 2
local TERMS = 22  -- bytes
local TERMS_TEXT = '22'  -- a number costs more to pass
local SIZES = {TERMS + 12, nil, TERMS + 16, TERMS + 16, TERMS + 16}
local FOREIGN = 'ERR a bucket holds something else'

local now, limit_count, position = read('<i8I2', input)
if now == 0 then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- The limits of this call, by their number.
local terms, algorithms, quotas, capacities, windows, ticks = {}, {}, {}, {}, {}, {}
local on_change, shadow, starts, ends, problems = {}, {}, {}, {}, {}
for i = 1, limit_count do
  local first, alignment, mode = position, nil, nil
  algorithms[i], alignment, quotas[i], capacities[i], windows[i], ticks[i], on_change[i], mode,
    position = read('<I1I1I4I4i8I4I1I1', input, position)
  terms[i] = sub(input, first, first + TERMS - 1)
  shadow[i] = mode == 1
  if alignment == CLOCK then
    starts[i] = now - fmod(now, windows[i])
    ends[i] = starts[i] + windows[i]
  elseif alignment == CALENDAR then
    local next_end
    starts[i], ends[i], next_end, position = read('<i8i8i8', input, position)
    if now < starts[i] or now >= next_end then
      problems[i] = 'CALENDAR'
    elseif now >= ends[i] then
      starts[i], ends[i] = ends[i], next_end
    end
  end
end

-- All buckets of this call: false where there is none.
local values, writes, written = {}, {}, {}
if #KEYS > 0 then
  local found, missing = call('MGET', unpack(KEYS)), {}
  for i, key in ipairs(KEYS) do
    values[key] = found[i]
    if not found[i] then
      missing[#missing + 1] = key
    end
  end
  -- MGET finds nothing under a key that is no string.
  if #missing > 0 and call('EXISTS', unpack(missing)) > 0 then
    for _, key in ipairs(missing) do
      if call('EXISTS', key) > 0 then
        values[key] = ''
      end
    end
  end
end

local function divide(dividend, divisor)
  return (dividend - fmod(dividend, divisor)) / divisor
end

local function divide_up(dividend, divisor)
  return divide(dividend + divisor - 1, divisor)
end

-- How many units of a log came until `time`.
local function units_until(log, time)
  local low, high = 0, #log / 8
  while low < high do
    local middle = divide(low + high + 1, 2)
    if read('<i8', log, middle * 8 - 7) <= time then
      low = middle
    else
      high = middle - 1
    end
  end
  return low
end

-- A state is three numbers, or a log: used, opened_at; the log; current, previous, opened_at;
-- level, at. One brought forward to now: all zeros, or an empty log, where nothing counts any more.
local function parse(algorithm, stored)
  if algorithm == FIXED_WINDOW then
    return read('<I4i8', stored, TERMS + 1)
  elseif algorithm == SLIDING_LOG then
    return sub(stored, TERMS + 1)
  elseif algorithm == SLIDING_WINDOW then
    return read('<I4I4i8', stored, TERMS + 1)
  end
  return read('<i8i8', stored, TERMS + 1)
end

local function roll_fixed_window(i, used, opened_at)
  local close = opened_at + windows[i]
  if starts[i] then
    close = opened_at < starts[i] and starts[i] or ends[i]
  end
  if used == 0 or opened_at > now or close <= now then
    return 0, starts[i] or now
  end
  return used, opened_at
end

local function roll(algorithm, a, b, c, quota, window, tick)
  if algorithm == SLIDING_LOG then
    return sub(a, units_until(a, now - window) * 8 + 1, units_until(a, now) * 8)
  elseif algorithm == SLIDING_WINDOW then
    if c <= now and now < c + window and a + b > 0 then
      return a, b, c
    elseif c <= now and now < c + 2 * window and a > 0 then
      return 0, a, c + window
    end
    return 0, 0, now
  end
  b = min(b, now)
  local passed = divide(now - b, tick)
  if a == 0 or quota == 0 or passed >= divide_up(a, quota) then
    return 0, now
  end
  return a - passed * quota, b + passed * tick
end

local function used_units(algorithm, a, b, c, window, tick)
  if algorithm == FIXED_WINDOW then
    return a
  elseif algorithm == SLIDING_LOG then
    return #a / 8
  end
  local window_ticks = window / tick
  if algorithm == SLIDING_WINDOW then
    return a + divide_up(b * (window_ticks - divide(now - c, tick)), window_ticks)
  end
  return divide_up(a, window_ticks)
end

-- Limit i with `count` units charged at once, just now.
local function filled(i, count)
  local algorithm = algorithms[i]
  if algorithm == FIXED_WINDOW then
    return count, starts[i] or now
  elseif algorithm == SLIDING_LOG then
    return rep(pack('<i8', now), count)
  elseif algorithm == SLIDING_WINDOW then
    return count, 0, now
  end
  return count * (windows[i] / ticks[i]), now
end

-- ceil(count * to / from), where the product itself would not be exact.
local function scale_up(count, from, to)
  local low = fmod(to, 32768)
  local high = count * ((to - low) / 32768)
  return divide(high, from) * 32768 + divide_up(fmod(high, from) * 32768 + count * low, from)
end

-- A bucket that was charged by other terms, as limit i has it. Not brought forward yet.
local function changed(i, stored)
  if #stored < TERMS then
    return nil
  end
  local algorithm, _, quota, capacity, window, tick = read('<I1I1I4I4i8I4', stored)
  local size = SIZES[algorithm]
  if algorithm < 1 or algorithm > 5 or (size or #stored - fmod(#stored - TERMS, 8)) ~= #stored then
    return nil
  end
  local a, b, c = parse(algorithm, stored)
  local closed = algorithm == FIXED_WINDOW and window ~= windows[i] and b + window <= now
  if on_change[i] == RESET or capacity == 0 or closed then
    return filled(i, 0)
  end
  if algorithm ~= FIXED_WINDOW then
    a, b, c = roll(algorithm, a, b, c, quota, window, tick)
  end
  local function count(units)
    if on_change[i] == PROPORTIONAL then
      units = scale_up(units, capacity, capacities[i])
    end
    return min(units, capacities[i])
  end
  local used = used_units(algorithm, a, b, c, window, tick)
  if used == 0 or min(algorithm, 4) ~= min(algorithms[i], 4) then
    return filled(i, count(used))
  elseif algorithm == FIXED_WINDOW then
    return count(a), b
  elseif algorithm == SLIDING_WINDOW then
    return count(a), count(b), c
  elseif algorithm ~= SLIDING_LOG then
    return filled(i, count(used))
  end
  local kept = count(used)
  if on_change[i] ~= PROPORTIONAL then
    return sub(a, (used - kept) * 8 + 1)
  end
  local units = {}
  for unit = 1, kept do
    local from = divide_up(unit * used, kept)
    units[unit] = sub(a, from * 8 - 7, from * 8)
  end
  return table.concat(units)
end

-- The bucket as limit i finds it now; nil if it cannot be read.
local function open(i, stored)
  local algorithm = algorithms[i]
  local a, b, c
  if not stored then
    return filled(i, 0)
  elseif sub(stored, 1, TERMS) == terms[i] and #stored == (SIZES[algorithm] or #stored) then
    a, b, c = parse(algorithm, stored)
  else
    a, b, c = changed(i, stored)
    if not a then
      return nil
    end
  end
  if algorithm == FIXED_WINDOW then
    return roll_fixed_window(i, a, b)
  end
  return roll(algorithm, a, b, c, quotas[i], windows[i], ticks[i])
end

-- What the reply says of a bucket for which `cost` is too much, or 0.
local function view(i, a, b, c, cost)
  local algorithm = algorithms[i]
  if algorithm == FIXED_WINDOW then
    return pack('<I4i8', a, b)
  elseif algorithm == SLIDING_WINDOW then
    return pack('<I4I4i8', a, b, c)
  elseif algorithm ~= SLIDING_LOG then
    return pack('<i8i8', a, b)
  end
  local used = #a / 8
  local newest, pivot = 0, 0
  if used > 0 then
    newest = read('<i8', a, #a - 7)
  end
  local leaving = used + cost - quotas[i]
  if cost > 0 and cost <= quotas[i] and leaving > 0 then
    pivot = read('<i8', a, leaving * 8 - 7)
  end
  return pack('<I4i8i8', used, newest, pivot)
end

-- Charges a bucket that was opened as a, b, c, in this call's memory; its view afterwards.
local function charge(i, key, cost, a, b, c)
  local algorithm = algorithms[i]
  local payload, reply, left
  local in_place = false  -- whether the key's expiry stands
  if algorithm == FIXED_WINDOW then
    in_place = a > 0
    payload = pack('<I4i8', a + cost, b)
    left = (ends[i] or b + windows[i]) - now
  elseif algorithm == SLIDING_LOG then
    payload = a .. rep(pack('<i8', now), cost)
    reply = pack('<I4i8i8', #payload / 8, now, 0)
    left = windows[i]
  elseif algorithm == SLIDING_WINDOW then
    in_place = a > 0
    payload = pack('<I4I4i8', a + cost, b, c)
    left = c + 2 * windows[i] - now
  else
    a = a + cost * (windows[i] / ticks[i])
    payload = pack('<i8i8', a, b)
    left = b + divide_up(a, quotas[i]) * ticks[i] - now
  end
  in_place = in_place and sub(values[key], 1, TERMS) == terms[i]
  values[key] = terms[i] .. payload
  if not writes[key] then
    written[#written + 1] = key
  end
  if not in_place then
    writes[key] = format('%d', (left + 999) / 1000)
  elseif not writes[key] then
    writes[key] = ''
  end
  return reply or payload
end

-- One decision at a time, by number of its charge.
local numbers, costs, fits, as, bs, cs = {}, {}, {}, {}, {}, {}
local output, charged, slot, base = {pack('<i8', now)}, {}, 1, 0
while position <= #input do
  local count
  count, position = read('<I1', input, position)
  local allowed, problem = true, nil
  for n = 1, count do
    local i, cost
    i, cost, position = read('<I2I4', input, position)
    numbers[n], costs[n] = i, cost
    local a, b, c = open(i, values[KEYS[base + n]])
    if a and not problems[i] then
      local used = used_units(algorithms[i], a, b, c, windows[i], ticks[i])
      as[n], bs[n], cs[n] = a, b, c
      fits[n] = cost == 0 or used + cost <= capacities[i]
      allowed = allowed and (fits[n] or shadow[i])
    else
      problem = problem or problems[i] or FOREIGN
    end
  end

  local first = slot + 1
  slot = first + count
  if problem then
    output[first] = pack('<I1I2', 2, #problem) .. problem
    for n = 1, count do
      output[first + n] = ''
    end
  else
    output[first] = allowed and '\1' or '\0'
    for n = 1, count do
      local i, cost = numbers[n], costs[n]
      if not fits[n] then
        output[first + n] = '\0' .. view(i, as[n], bs[n], cs[n], cost)
      elseif allowed and cost > 0 then
        output[first + n] = '\1' .. charge(i, KEYS[base + n], cost, as[n], bs[n], cs[n])
        charged[first] = count
      else
        output[first + n] = '\1' .. view(i, as[n], bs[n], cs[n], 0)
      end
    end
  end
  base = base + count
end

-- Redis refuses the first write of a call or none, so no decision is ever charged in part.
for _, key in ipairs(written) do
  local result
  if writes[key] == '' then
    result = redis.pcall('SETRANGE', key, TERMS_TEXT, sub(values[key], TERMS + 1))
  else
    result = redis.pcall('SET', key, values[key], 'PX', writes[key])
  end
  if type(result) == 'table' and result.err then
    for first, count in pairs(charged) do
      output[first] = pack('<I1I2', 2, #result.err) .. result.err
      for n = 1, count do
        output[first + n] = ''
      end
    end
    break
  end
end
return table.concat(output)
