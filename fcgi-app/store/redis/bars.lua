-- The bars of take.lua's decisions, for the few calls in which one stands or is to be set up. A bar
-- is a key that must not exist, and holds until when: 8 bytes, microseconds since the epoch.
local function bars(this, bucket_count)
  local input, keys, now = this.input, this.keys, this.now
  local untils = {}  -- by number: 0 where there is none, false for what is not ours

  -- MGET, as workers need no right to GET; it finds nothing under a key that is no string.
  local function until_of(k)
    if untils[k] == nil then
      local key = keys[bucket_count + k]
      local stored = redis.call('MGET', key)[1]
      local last = stored and #stored == 8 and struct.unpack('<i8', stored)
      if not stored then
        last = redis.call('EXISTS', key) == 0 and 0
      end
      untils[k] = last and math.abs(last) <= 2 ^ 53 and last  -- the times that there are
    end
    return untils[k]
  end

  -- Until when each stands, as the reply has it, or nil where none does; and the decision's problem.
  local function look(position, count, problem)
    local text, stands = '', false
    for _ = 1, count do
      local k
      k, position = struct.unpack('<I2', input, position)
      position = position + 6
      local last = until_of(k)
      problem = problem or not last and 'ERR a bar holds something else' or nil
      last = last and last > now and last or 0
      stands = stands or last > 0
      text = text .. struct.pack('<i8', last)
    end
    return stands and text or nil, problem
  end

  -- What Redis has against it, or nil.
  function this.set_up(position, count)
    for _ = 1, count do
      local k, length
      k, length, position = struct.unpack('<I2I6', input, position)
      if length > 0 then
        local last, life = now + length, string.format('%d', (length + 999) / 1000)
        local result = redis.pcall('SET', keys[bucket_count + k], struct.pack('<i8', last), 'PX', life)
        if result.err then
          return result.err
        end
        untils[k] = last
      end
    end
    return nil
  end

  return look
end
