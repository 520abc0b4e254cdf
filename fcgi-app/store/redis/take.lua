-- Charges the buckets of each decision, or none of that decision's: the one script there is, with
-- algorithms.lua, bars.lua and marks.lua before it in one text.
--
-- Decisions that come up in one turn of a worker's loop travel in one call and are taken in order,
-- each on its own: a denial, or a bucket that cannot be read, is no matter of the next one. All
-- buckets are read at first, each once, however many decisions share it.
--
-- KEYS   first those of the buckets, then those of the bars and marks (limits/charge.h)
-- ARGV   one string:
--        8 now (microseconds since the epoch; 0 takes Redis's own time), 2 number of limits, 2 of
--          buckets
--        for each limit: its terms (limits/bucket.h), 4 tick, 1 on_change, 1 whether it is in shadow
--          mode, and for the calendar 8 start of this period, 8 its end, 8 the end of the next
--        for each decision: 1 number of charges, 1 of bars, 1 whether a bar is to be set up, and 2
--          more where it has a mark; for each charge 2 number of its key, 2 of its limit, both from 1,
--          and 4 cost (0 peeks; 2^30 more: as much as fits; 2^31 more: a refund); for each bar 2 number
--          of its key, from 1 again, and 6 for how long it is to be set up, in microseconds (0 only
--          asks); and the mark, see marks.lua
-- reply  one string: 8 now, then for each decision: 2 the charges whose cost does not fit, as bits
--        from the lowest, in the highest bit whether a bar stands, in the one below whether the mark
--        was not as expected; for each charge the view of its bucket (limits/bucket.h); and where a
--        bar stands, for each bar 8 until when, 0 where that one does not. Or 2 ones in every bit, 2
--        size of an error, its text. "CALENDAR" is one: now is outside the periods.
-- state  see limits/bucket.h. A key expires when it says no more than no key would. A denial writes
--        nothing. A key that somebody made persistent expires again from its next window.
--
-- Integers are little-endian. Each table, function and captured variable that a call makes costs it a
-- tenth of a microsecond or two: so what is rare waits in the other files, the functions here capture
-- nothing, and charges are kept in one flat table.

-- The limits of this call, by their number. Where they end.
local function read_limits(this, position, count)
  local read, input, now = struct.unpack, this.input, this.now
  for i = 1, count do
    local first, kind, quota, capacity, window, tick, on_change, shadow = position
    kind, quota, capacity, window, tick, on_change, shadow, position =
      read('<I1I4I4I6I4I1I1', input, position)
    local limit = {terms = string.sub(input, first, first + 14), algorithm = kind % 16, quota = quota,
                   capacity = capacity, window = window, tick = tick, on_change = on_change,
                   shadow = shadow == 1}
    if kind >= 32 then  -- to a calendar
      local start, close, next_close
      start, close, next_close, position = read('<i8i8i8', input, position)
      if now >= close then
        start, close = close, next_close
      end
      limit.start, limit.close = start, close
      limit.problem = (now < start or now >= close) and 'CALENDAR'
    elseif kind >= 16 then  -- to the clock
      limit.start = now - math.fmod(now, window)
      limit.close = limit.start + window
    end
    this[i] = limit
  end
  return position
end

-- Reads the charges of a decision, and tests them. Where its bars begin, which charges
-- do not fit, whether that denies it, and its problem.
local function test(this, position, count)
  local read, sub, input, now, values = struct.unpack, string.sub, this.input, this.now, this.values
  local charges, lacking, denied, problem = this.charges, 0, false, nil
  for n = 0, count - 1 do
    local k, i, cost
    k, i, cost, position = read('<I2I2I4', input, position)
    local limit, stored, fits, renewed = this[i], values[k], true, false
    local used, a, b, c  -- renewed: charged by other terms so far
    if limit.algorithm == 1 then  -- fixed_window: used, opened_at
      local start = limit.start
      a, b = 0, now
      if stored and #stored == 27 and sub(stored, 1, 15) == limit.terms then
        a, b = read('<I4i8', stored, 16)
        b = a <= limit.quota and b or nil  -- nobody charges more
      elseif stored then
        this.changed = this.changed or algorithms(now)
        a, b = this.changed(limit, stored)
        renewed = true
      end
      local close = b and (start and (b < start and start or limit.close) or b + limit.window)
      if a == 0 or close and (b > now or close <= now) then
        a, b = 0, start or now
      end
      used = b and a
    else
      if not this.open then
        this.changed, this.open, this.charged, this.view, this.units_until = algorithms(now)
      end
      used, renewed, a, b, c = this.open(limit, stored)
      if limit.algorithm == 2 and renewed and used then
        values[k] = limit.terms .. a  -- a log that changed is long: once for all decisions
      end
    end
    if (not used or limit.problem) and limit.shadow then
      -- It never denies: what it cannot read, it does not count.
      cost, a, b, c = 0, limit.algorithm == 2 and '' or 0, limit.algorithm == 3 and 0 or now, now
    elseif not used or limit.problem then
      problem = problem or limit.problem or 'ERR a bucket holds something else'
    elseif cost > 0 and used + cost > limit.capacity then
      if cost < 1073741824 then
        fits, lacking = false, lacking + 2 ^ n
        denied = denied or not limit.shadow
      elseif cost < 2147483648 then  -- as much as fits
        cost = math.max(0, math.min(cost - 1073741824, limit.capacity - used))
      end
    end
    local at = n * 8
    charges[at + 1], charges[at + 2], charges[at + 3], charges[at + 4] = limit, k, cost, fits
    charges[at + 5], charges[at + 6], charges[at + 7], charges[at + 8] = a, b, c, renewed
  end
  return position, lacking, denied, problem
end

-- Charges what was tested, where that is granted, and says how each bucket stands from output[slot]
-- on. What Redis has against it, or nil: it refuses the first write of a call or none, so no decision
-- is ever charged in part (but for a user who may SET and not SETRANGE, or the other way round).
local function settle(this, count, granted, slot)
  local pack, charges, values, keys = struct.pack, this.charges, this.values, this.keys
  local now, output = this.now, this.output
  for n = 0, count - 1 do
    local at = n * 8
    local limit, k, cost, fits = charges[at + 1], charges[at + 2], charges[at + 3], charges[at + 4]
    local a, b, c, renewed = charges[at + 5], charges[at + 6], charges[at + 7], charges[at + 8]
    local charge = granted and fits and cost ~= 0
    local payload, left, reply  -- left: of the key's life, where that changes
    if limit.algorithm == 1 then
      payload = pack('<I4i8', charge and a + cost or a, b)
      left = (a == 0 or renewed) and b + limit.window - now
      if limit.close then
        left = limit.close - now
      end
    elseif not charge then
      payload = this.view(limit, fits and 0 or cost, a, b, c)
    elseif cost > 0 then
      payload, left, reply = this.charged(limit, cost, renewed, a, b, c)
    else
      payload, left, reply = this.refunded(limit, -cost, renewed, a, b, c, n)
    end
    output[slot + n] = reply or payload
    if charge then
      local value, result = limit.terms .. payload, nil
      if left then
        local life = string.format('%d', (left + 999) / 1000)
        result = redis.pcall('SET', keys[k], value, 'PX', life)
      else
        result = redis.pcall('SETRANGE', keys[k], '15', payload)
      end
      if result ~= #value and result.err then
        return result.err
      end
      values[k] = value
    end
  end
  return nil
end

local input, keys, read, call = ARGV[1], KEYS, struct.unpack, redis.call
local now, limit_count, bucket_count, position = read('<i8I2I2', input)
if now == 0 then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end
local output, slot = {struct.pack('<i8', now), 0, 0}, 1
-- The limits of this call, by their number, and what its decisions share.
local this = {input = input, now = now, keys = keys, output = output, values = false,
              charges = {0, 0, 0, 0, 0, 0, 0, 0}, changed = false, open = false}
position = read_limits(this, position, limit_count)

-- All buckets of this call: false where there is none. MGET finds nothing under a key that is no
-- string; '' stands for what is not ours.
if bucket_count > 0 then
  local values, missing = call('MGET', unpack(keys, 1, bucket_count)), nil
  for k = 1, bucket_count do
    if not values[k] then
      missing = missing or {}
      missing[#missing + 1] = keys[k]
    end
  end
  if missing and call('EXISTS', unpack(missing)) > 0 then
    for k = 1, bucket_count do
      values[k] = values[k] or (call('EXISTS', keys[k]) > 0 and '')
    end
  end
  this.values = values
end

-- Mostly no bar stands, none is to be set up, and there is no mark.
local watched = #keys > bucket_count and call('EXISTS', unpack(keys, bucket_count + 1)) > 0
local look, look_at_mark
while position <= #input do
  local count, bar_count, more, lacking, denied, problem, standing
  count, bar_count, more, position = read('<I1I1I1', input, position)
  position, lacking, denied, problem = test(this, position, count)
  local bars_at, sets_bars = position, more % 2 == 1
  if bar_count > 0 and (watched or sets_bars) then
    look, watched = look or bars(this, bucket_count), true
    standing, problem = look(bars_at, bar_count, problem)
  end
  position = position + bar_count * 8
  local granted = not (problem or denied or standing)
  if more > 1 then
    look_at_mark = look_at_mark or marks(this, bucket_count)
    granted, lacking, position = look_at_mark(position, count, granted, lacking)
  end
  problem = problem or settle(this, count, granted, slot + 2)
    or granted and sets_bars and this.set_up(bars_at, bar_count)
    or granted and more > 1 and this.write_mark(count, slot + 2)
  slot = slot + 1
  if problem then
    output[slot] = '\255\255' .. struct.pack('<I2', #problem) .. problem
  else
    lacking = standing and lacking + 32768 or lacking
    output[slot] = lacking == 0 and '\0\0' or struct.pack('<I2', lacking)
    output[slot + 1 + count] = standing
    slot = slot + count + (standing and 1 or 0)
  end
end
return table.concat(output, '', 1, slot)
