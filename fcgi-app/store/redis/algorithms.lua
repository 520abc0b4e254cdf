-- The arithmetic of the algorithms but for the fixed window, which take.lua does itself, and of
-- limits that changed: limits/arithmetic.cpp and limits/change.cpp, step for step. The conformance
-- suite holds them together. Balances are computed there alone.
--
-- Every number stays below 2^53, where Lua's doubles are exact.
--
-- A function, so that a call which needs none of it pays for none of it; and it captures nothing, as
-- every variable captured costs every call.
--
-- A state is three numbers, or a log in the place of the first: used, opened_at; the log; current,
-- previous, opened_at; level, at. Brought forward to now it is all zeros, or an empty log, where
-- nothing of it counts any more.
local function algorithms(now)
  local pack, read, sub, rep = struct.pack, struct.unpack, string.sub, string.rep
  local fmod, min, max = math.fmod, math.min, math.max
  local FIXED_WINDOW, SLIDING_LOG, SLIDING_WINDOW = 1, 2, 3  -- 4 and 5, the buckets, are alike
  local RESET, PROPORTIONAL = 1, 2                           -- on_change; 0 is keep
  local TERMS_SIZE, MAX_PRODUCT = 15, 2 ^ 52

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

  -- Whether a limit can have such terms: limits/limit.cpp has the rules. Of others, or of a state
  -- beyond them, sums would be no numbers any more.
  local function are_terms(kind, quota, capacity, window)
    local algorithm, alignment, days = kind % 16, divide(kind, 16), window / 86400000000
    local is_bucket = algorithm > SLIDING_WINDOW
    return algorithm >= FIXED_WINDOW and algorithm <= 5
      and quota <= (algorithm == SLIDING_LOG and 10000 or 1000000000) and capacity <= 1000000000
      and (capacity == quota or is_bucket and quota > 0 and capacity > 0)
      and days > 0 and days <= 366 and fmod(window, 1000) == 0
      and (not is_bucket or capacity / max(1, quota) * window <= 3660 * 86400000000)
      and (alignment == 0 or algorithm == FIXED_WINDOW and alignment <= 2)
      and (alignment < 2 or days == 1 or days == 7 or days == 30 or days == 360)
  end

  -- The state of a bucket with such terms; nil for bytes that no charge leaves.
  local function parse(algorithm, capacity, ticks, stored)
    local rest, a, b, c = #stored - TERMS_SIZE, nil, nil, nil
    if algorithm == SLIDING_LOG then
      return fmod(rest, 8) == 0 and rest / 8 <= capacity and sub(stored, TERMS_SIZE + 1) or nil
    elseif rest ~= (algorithm == FIXED_WINDOW and 12 or 16) then
      return nil
    elseif algorithm == FIXED_WINDOW then
      a, b = read('<I4i8', stored, TERMS_SIZE + 1)
      return a <= capacity and a or nil, b
    elseif algorithm == SLIDING_WINDOW then
      a, b, c = read('<I4I4i8', stored, TERMS_SIZE + 1)
      return a <= capacity and b <= capacity and a or nil, b, c
    end
    a, b = read('<i8i8', stored, TERMS_SIZE + 1)
    return a >= 0 and a <= capacity * ticks and a or nil, b
  end

  -- The state at `now` of any algorithm but the fixed window.
  local function roll(algorithm, quota, window, tick, a, b, c)
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
    local drain = quota > 0 and divide_up(a, quota) * tick or 0
    if b > now and b - now <= min(drain, window) then
      return a, b
    end
    local passed = divide(now - b, tick)
    if b > now or passed * tick >= drain then
      return 0, now
    end
    return a - passed * quota, b + passed * tick
  end

  -- Whole units in use, of any algorithm but the fixed window: of a bucket rounded up, of a sliding window down.
  local function used_units(algorithm, window, tick, a, b, c)
    if algorithm == SLIDING_LOG then
      return #a / 8
    elseif algorithm == SLIDING_WINDOW then
      local ticks = window / tick
      return a + divide(b * (ticks - divide(now - c, tick)), ticks)
    end
    return divide_up(a, window / tick)
  end

  -- `count` units charged at once, at `at`.
  local function filled(limit, count, at)
    local algorithm = limit.algorithm
    if algorithm == SLIDING_LOG then
      return rep(pack('<i8', at), count)
    elseif algorithm == SLIDING_WINDOW then
      return count, 0, at
    elseif algorithm == FIXED_WINDOW then
      return count, at
    end
    return count * (limit.window / limit.tick), at
  end

  -- ceil(count * to / from), where the product itself would not be exact.
  local function scale_up(count, from, to)
    local low = fmod(to, 32768)
    local high = count * ((to - low) / 32768)
    return divide(high, from) * 32768 + divide_up(fmod(high, from) * 32768 + count * low, from)
  end

  -- The units of a log that stay: the newest, and more of the newest where that is not enough; but
  -- those that had left the old window are gone.
  local function resized(log, kept, window)
    local used = #log / 8
    local rest = sub(log, max(0, used - kept) * 8 + 1)
    rest = sub(rest, units_until(rest, now - window) * 8 + 1)
    return rest .. rep(sub(log, -8), max(0, kept - used))
  end

  -- A bucket that was charged by other terms, as `limit` has it; nil if it is not ours. Of a fixed
  -- window, not brought forward yet.
  local function changed(limit, stored)
    if #stored < TERMS_SIZE then
      return nil
    end
    local kind, quota, capacity, window = read('<I1I4I4I6', stored)
    if not are_terms(kind, quota, capacity, window) then
      return nil
    end
    local algorithm, tick = kind % 16, 1
    while algorithm > SLIDING_LOG and divide(window, tick) > divide(MAX_PRODUCT, max(1, capacity)) do
      tick = tick * 10
    end
    local a, b, c = parse(algorithm, capacity, window / tick, stored)
    if not a or fmod(window, tick) ~= 0 then
      return nil
    end
    if limit.on_change == RESET or capacity == 0 then
      return filled(limit, 0, now)
    end
    local share = limit.on_change == PROPORTIONAL
    local function count(units)
      return min(share and scale_up(units, capacity, limit.capacity) or units, limit.capacity)
    end
    local same = algorithm == limit.algorithm and window == limit.window
    if algorithm == FIXED_WINDOW then
      local longest = kind >= 32 and window + divide(window, 24) or window  -- of a calendar
      if not same and b + longest <= now then
        return filled(limit, 0, now)
      end
      return filled(limit, count(a), b)
    end
    local ra, rb, rc = roll(algorithm, quota, window, tick, a, b, c)
    local used = used_units(algorithm, window, tick, ra, rb, rc)
    if algorithm == SLIDING_WINDOW then
      if ra + rb == 0 then
        return filled(limit, 0, now)
      elseif same then
        return count(a), count(b), c
      end
      return filled(limit, count(used), c)
    elseif used == 0 then
      return filled(limit, 0, now)
    elseif algorithm == SLIDING_LOG then
      local units = #a / 8
      if limit.algorithm == SLIDING_LOG then
        return resized(a, count(units), window)
      end
      return filled(limit, count(units), (read('<i8', a, #a - 7)))
    end
    return filled(limit, count(used_units(algorithm, window, tick, a, b)), b)
  end

  -- The units in use, whether by other terms so far, and the state at `now`; nil if not ours.
  local function open(limit, stored)
    local algorithm, window, tick = limit.algorithm, limit.window, limit.tick
    local renewed, a, b, c = false, nil, nil, nil
    if not stored then
      return 0, true, filled(limit, 0, now)
    elseif sub(stored, 1, TERMS_SIZE) == limit.terms then
      a, b, c = parse(algorithm, limit.capacity, window / tick, stored)
    else
      renewed = true
      a, b, c = changed(limit, stored)
    end
    if not a then
      return nil
    end
    a, b, c = roll(algorithm, limit.quota, window, tick, a, b, c)
    return used_units(algorithm, window, tick, a, b, c), renewed, a, b, c
  end

  -- What the reply says of a state for which `cost` is too much, or 0.
  local function view(limit, cost, a, b, c)
    if limit.algorithm == SLIDING_WINDOW then
      return pack('<I4I4i8', a, b, c)
    elseif limit.algorithm ~= SLIDING_LOG then
      return pack('<i8i8', a, b)
    end
    local used, quota = #a / 8, limit.quota
    if used == 0 then
      return pack('<I4i8i8', 0, 0, 0)
    end
    local waits = cost <= quota and used + cost > quota
    local leaving = waits and used + cost - quota or 1
    return pack('<I4', used) .. sub(a, -8) .. sub(a, leaving * 8 - 7, leaving * 8)
  end

  -- With `cost` units more: what to store behind the terms, for how long (or as before), and what to
  -- reply where that is something else.
  local function charged(limit, cost, renewed, a, b, c)
    local algorithm, window, tick = limit.algorithm, limit.window, limit.tick
    if algorithm == SLIDING_LOG then
      local log = a .. rep(pack('<i8', now), cost)
      return log, window, pack('<I4i8', #log / 8, now) .. sub(log, 1, 8)
    elseif algorithm == SLIDING_WINDOW then
      return pack('<I4I4i8', a + cost, b, c), (a == 0 or renewed) and c + 2 * window - now
    end
    a = a + cost * (window / tick)
    return pack('<i8i8', a, b), b + divide_up(a, limit.quota) * tick - now
  end

  return changed, open, charged, view, units_until
end

