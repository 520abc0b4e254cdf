-- Charges the buckets of each decision, or none of that decision's: the one script there is, with
-- algorithms.lua before it in one text.
--
-- Decisions that come up in one turn of a worker's loop travel in one call and are taken in order,
-- each on its own: a denial, or a bucket that cannot be read, is no matter of the next one. All
-- buckets are read at first and written at last, each once, however many decisions share it.
--
-- KEYS   first those of the buckets that may be charged, then of guards, at last of holds that are
--        only asked after
-- ARGV   one string:
--        8 now (microseconds since the epoch; 0 takes Redis's own time), 2 number of limits, 2 of
--          buckets that may be charged, 2 of holds that are only asked after
--        for each limit: its terms (limits/bucket.h), 4 tick, 1 on_change, 1 mode, and for the
--          calendar 8 start of this period, 8 its end, 8 the end of the next
--        for each decision: 1 number of charges, 1 how many of them, the last ones, only ask after
--          holds, and for each charge 2 number of its key, 2 of its limit (all from 1, the keys of
--          holds that are only asked after by themselves), 4 cost (0 peeks), 1 number of guards
--          (limits/charge.h), 255 where they were left out, and for each guard 2 number of its key,
--          2 of its limit, 2 of the shared bucket's key, 0 where that was left out
-- reply  one string: 8 now, then for each decision: 2 the charges whose cost does not fit, as bits
--        from the lowest, and in the highest bit whether one went to a shared bucket; and for each
--        charge the view of its bucket (limits/bucket.h); or 2 ones in every bit, 2 size of an
--        error, its text. "CALENDAR" is one: now is outside the periods. "GUARDS" and "SHARED" are:
--        guards, or the key of a shared bucket, were left out and are needed; that ends the reply, and
--        of what follows nothing was charged.
-- state  see limits/bucket.h. The key expires when it says no more than no key would. A denial
--        writes nothing. A key that somebody made persistent expires again from its next window.
--
-- Integers are little-endian. What is common is written out here, and what is rare waits in
-- algorithms.lua: each function and table that a call makes costs it a fifth of a microsecond.
local pack, read, sub, call, pcall = struct.pack, struct.unpack, string.sub, redis.call, redis.pcall
local input, keys, values = ARGV[1], KEYS, KEYS  -- where there is no key, there is no value
local now, limit_count, bucket_count, asked_count, position = read('<i8I2I2I2', input)
if now == 0 then
  local time = call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- The limits of this call, by their number.
local limits = {}
for i = 1, limit_count do
  local first = position
  local kind, quota, capacity, window, tick, on_change, mode
  kind, quota, capacity, window, tick, on_change, mode, position =
    read('<I1I4I4I6I4I1I1', input, position)
  local algorithm = kind % 16
  local alignment = (kind - algorithm) / 16
  local limit = {terms = sub(input, first, first + 14), algorithm = algorithm, quota = quota,
                 capacity = capacity, window = window, tick = tick, on_change = on_change,
                 shadow = mode == 1, hold = mode == 2}
  if alignment == 1 then  -- to the clock
    limit.start = now - math.fmod(now, window)
    limit.close = limit.start + window
  elseif alignment == 2 then  -- to a calendar
    local start, close, next_close
    start, close, next_close, position = read('<i8i8i8', input, position)
    if now >= close then
      start, close = close, next_close
    end
    limit.start, limit.close = start, close
    if now < start or now >= close then
      limit.problem = 'CALENDAR'
    end
  end
  if algorithm >= 4 then  -- the buckets: how long a full one takes to drain
    local rounded = capacity * (window / tick) + quota - 1
    limit.lifetime = quota > 0 and (rounded - math.fmod(rounded, quota)) / quota * tick or window
  end
  limits[i] = limit
end

-- All buckets of this call: false where there is none. MGET finds nothing under a key that is no
-- string; '' stands for what is not ours. Guards, and holds that are only asked after, are mostly
-- missing; one that somebody made a list, say, is taken for none.
--
-- Of the holds that are only asked after, mostly all are missing: then they are no matter below.
local unasked = #keys - asked_count
local held = asked_count > 0 and call('EXISTS', unpack(keys, unasked + 1)) > 0
local idle = asked_count > 0 and not held and pack('<i8i8', 0, now)  -- their view
if held or unasked > 0 then
  values = call('MGET', unpack(keys, 1, held and #keys or unasked))
  local missing
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
end

local changed, open, charged, view  -- algorithms.lua's, once they are needed
local charges = {0, 0, 0, 0, 0, 0, 0, 0}  -- of one decision and then its guards, 8 places for each
local output, slot = {pack('<i8', now), 0, 0}, 1
while position <= #input do
  local total, asked, lacking, denied, problem, crowded
  total, asked, position = read('<I1I1', input, position)
  local first_asked = total - asked
  local count = held and total or first_asked
  lacking = 0
  local last = count - 1  -- of the charges and guards
  for n = 0, count - 1 do
    local k, i, cost, guards
    k, i, cost, guards, position = read('<I2I2I4I1', input, position)
    if n >= first_asked then
      k = k + unasked
    end
    local guarded, left_out = guards > 0, guards == 255
    guards = left_out and 0 or guards
    local limit, first_guard, next_charge = limits[i], position, position + guards * 6
    local used, a, b, c, renewed  -- renewed: charged by other terms so far
    repeat  -- once more where a guard says so
      local stored = values[k]
      position, renewed = next_charge, false
      if limit.algorithm == 1 then  -- fixed_window: used, opened_at
        local start = limit.start
        a, b = 0, now
        if stored and #stored == 27 and sub(stored, 1, 15) == limit.terms then
          a, b = read('<I4i8', stored, 16)
          if a > limit.quota then  -- nobody charges that
            a, b = nil, nil
          end
        elseif stored then
          changed = changed or algorithms(now)
          a, b = changed(limit, stored)
          renewed = true
        end
        local close = b and (start and (b < start and start or limit.close) or b + limit.window)
        if a == 0 or close and (b > now or close <= now) then
          a, b = 0, start or now
        end
        used = a
      else
        if not open then
          changed, open, charged, view = algorithms(now)
        end
        used, renewed, a, b, c = open(limit, stored)
        if limit.algorithm == 2 and renewed and used then
          values[k] = limit.terms .. a  -- a log that changed is long: once for all decisions
        end
      end
      local opens = used == 0 and guarded
      if opens and limit.algorithm >= 4 and stored and sub(stored, 1, 15) == limit.terms then
        local at = read('<i8', stored, 24)  -- kept for a while after it has drained
        opens = at > now or now - at >= limit.lifetime
      end
      if opens and left_out then
        problem = problem or 'GUARDS'
      end
      for g = 1, opens and guards or 0 do
        local guard_key, guard, shared = read('<I2I2I2', input, first_guard + g * 6 - 6)
        local opened, since, anew = 0, now, false
        guard, stored = limits[guard], values[guard_key]
        if stored and #stored == 27 and sub(stored, 1, 15) == guard.terms then
          opened, since = read('<I4i8', stored, 16)
          since = opened <= guard.quota and since or nil
        elseif stored then
          changed = changed or algorithms(now)
          opened, since = changed(guard, stored)
          anew = true
        end
        if not since and limit.shadow then
          guards = 0
          break
        elseif not since then
          problem = problem or 'ERR a guard holds something else'
          break
        elseif opened == 0 or since > now or since + guard.window <= now then
          opened, since = 0, now
        end
        if opened >= guard.quota and shared == 0 then
          problem = problem or 'SHARED'
          break
        elseif opened >= guard.quota then
          k, guards, position, crowded, guarded = shared, 0, first_guard, true, false
          break
        end
        local at = (last + g) * 8
        charges[at + 1], charges[at + 2], charges[at + 3], charges[at + 4] = guard, guard_key, 1, 1
        charges[at + 5], charges[at + 6], charges[at + 7], charges[at + 8] = opened, since, nil, anew
      end
      guards = opens and guards or 0
    until position == next_charge
    local fits = true
    if (not used or limit.problem) and limit.shadow then
      -- It never denies: what it cannot read, it does not count.
      cost, a, b, c = 0, limit.algorithm == 2 and '' or 0, limit.algorithm == 3 and 0 or now, now
    elseif not used or limit.problem then
      problem = problem or limit.problem or 'ERR a bucket holds something else'
    elseif limit.hold and used > 0 or cost > 0 and used + cost > limit.capacity then
      fits = false
      lacking = lacking + 2 ^ n
      denied = denied or not limit.shadow
    end
    if fits and cost > 0 then
      last = last + guards  -- they count this bucket
    end
    if guarded and limit.algorithm >= 4 then
      c = true  -- to be kept for its lifetime
    end
    local at = n * 8
    charges[at + 1], charges[at + 2], charges[at + 3], charges[at + 4] = limit, k, cost, fits
    charges[at + 5], charges[at + 6], charges[at + 7], charges[at + 8] = a, b, c, renewed
  end

  local first = slot + 1
  slot = first + total
  lacking = crowded and lacking + 32768 or lacking
  output[first] = lacking == 0 and '\0\0' or pack('<I2', lacking)
  for n = first + count + 1, slot do
    output[n] = idle
  end
  position = position + (total - count) * 9
  for n = 0, problem and -1 or last do
    local at = n * 8
    local limit, k, cost, fits = charges[at + 1], charges[at + 2], charges[at + 3], charges[at + 4]
    local a, b, c, renewed = charges[at + 5], charges[at + 6], charges[at + 7], charges[at + 8]
    local charge = fits and cost > 0 and not denied
    local payload, left, reply  -- left: of the key's life, where that changes
    if limit.algorithm == 1 then
      payload = pack('<I4i8', charge and a + cost or a, b)
      left = (a == 0 or renewed) and b + limit.window - now
      if limit.close then
        left = limit.close - now
      end
    elseif charge then
      payload, left, reply = charged(limit, cost, renewed, a, b, c)
    else
      payload = view(limit, fits and 0 or cost, a, b, c)
    end
    if n < count then
      output[first + 1 + n] = reply or payload
    end
    if charge then
      local before, result = values[k], nil
      values[k] = limit.terms .. payload
      if left then
        result = pcall('SET', keys[k], values[k], 'PX', string.format('%d', (left + 999) / 1000))
      else
        result = pcall('SETRANGE', keys[k], '15', payload)
      end
      -- Redis refuses the first write of a call or none, so no decision is ever charged in part (but
      -- for a user who may SET and not SETRANGE, or the other way round).
      if result ~= #values[k] and result.err then
        values[k], problem = before, result.err
        break
      end
    end
  end
  if problem then
    output[first] = '\255\255' .. pack('<I2', #problem) .. problem
    for n = first + 1, slot do
      output[n] = ''
    end
    if problem == 'GUARDS' or problem == 'SHARED' then
      break
    end
  end
end
return table.concat(output, '', 1, slot)
