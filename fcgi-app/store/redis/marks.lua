-- The marks of take.lua's decisions, and refunds, which come with a mark: limits/refund.cpp has the
-- same arithmetic. A mark is a key that a decision replaces, if it holds what is expected.
--
-- In the argument, behind the bars: 2 number of its key, as of a bar, 6 for how long it is kept, in
-- microseconds, 2 size of what is expected (0: no such key), 2 size of the value, both; then for each
-- charge of the decision 8 at, 8 level: where the units of a refund are (limits/charge.h). What is
-- stored is the value, 8 now, and for each charge 4 units that moved and the view of its bucket.
local function marks(this, bucket_count)
  local keys, input, charges, output, now = this.keys, this.input, this.charges, this.output, this.now
  local read, pack, sub, min, max = struct.unpack, struct.pack, string.sub, math.min, math.max
  local mark, traces  -- of the decision that is at hand

  -- How many of the units that `at` and `level` stand for are in the bucket still. Of a bucket that
  -- drains, they leave first.
  local function held(limit, at, level, a, b, c)
    if limit.algorithm == 1 then  -- fixed_window
      return b == at and a or 0
    elseif limit.algorithm == 2 then  -- sliding_log
      return this.units_until(a, at) - this.units_until(a, at - 1)
    elseif limit.algorithm == 3 then  -- sliding_window
      return c == at and a or c == at + limit.window and b or 0
    end
    local passed = max(0, math.floor((now - at) / limit.tick))
    if passed >= math.ceil(level / limit.quota) then
      return 0
    end
    return math.floor(min(a, level - passed * limit.quota) / (limit.window / limit.tick))
  end

  -- A bucket without `units` of those at the trace of charge n: as charged() of algorithms.lua.
  function this.refunded(limit, units, renewed, a, b, c, n)
    if limit.algorithm == 2 then
      local first = this.units_until(a, traces[n + 1] - 1) * 8
      local log = sub(a, 1, first) .. sub(a, first + units * 8 + 1)
      local left = #log > 0 and read('<i8', log, #log - 7) + limit.window - now
      return log, left or 1, this.view(limit, 0, log)
    elseif limit.algorithm == 3 then
      local in_current = c == traces[n + 1]
      a, b = in_current and a - units or a, in_current and b or b - units
      return pack('<I4I4i8', a, b, c), renewed and c + 2 * limit.window - now
    end
    a = a - units * (limit.window / limit.tick)
    local drained_at = b + math.ceil(a / limit.quota) * limit.tick
    if b > now and drained_at < 2 * b - now then  -- a clock set back: nobody waits for so little
      a, drained_at = 0, b
    end
    return pack('<i8i8', a, b), renewed and max(1, drained_at - now)
  end

  -- Reads the mark of a decision, and finds out how many units its refunds move. Whether it is
  -- granted still, the charges that do not fit, and where the next decision begins.
  local function look(position, count, granted, lacking)
    local k, life, expected_size, value_size, first = read('<I2I6I2I2', input, position)
    local key, value_at = keys[bucket_count + k], first + expected_size
    local stored = redis.call('MGET', key)[1]
    local is_expected = stored == sub(input, first, value_at - 1)
    if expected_size == 0 then
      is_expected = not stored and redis.call('EXISTS', key) == 0
    end
    position = value_at + value_size
    traces = {}
    for n = 0, count - 1 do
      local at, level = read('<i8i8', input, position + n * 16)
      local i = n * 8
      local units = charges[i + 3] - 2147483648
      if units >= 0 then
        units = min(units, held(charges[i + 1], at, level, charges[i + 5], charges[i + 6], charges[i + 7]))
        charges[i + 3] = units > 0 and -units or 0
      end
      traces[n + 1] = at
    end
    mark = {key = key, life = life, value = sub(input, value_at, position - 1)}
    lacking = is_expected and lacking or lacking + 16384
    return granted and is_expected, lacking, position + count * 16
  end

  -- What Redis has against it, or nil.
  function this.write_mark(count, slot)
    local text = mark.value .. pack('<i8', now)
    for n = 0, count - 1 do
      local cost, fits = charges[n * 8 + 3], charges[n * 8 + 4]
      text = text .. pack('<I4', fits and math.abs(cost) or 0) .. output[slot + n]
    end
    local life = string.format('%d', (mark.life + 999) / 1000)
    return redis.pcall('SET', mark.key, text, 'PX', life).err
  end

  return look
end
