-- wrk: what our scripts share.

-- A function request() that asks these one after the other, over and over.
function in_turn(requests)
  local next_one = 0
  return function()
    next_one = next_one % #requests + 1
    return requests[next_one]
  end
end

-- One machine-readable line: requests, wrong answers, microseconds, p50, p99.
function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests,
                         errors.connect + errors.read + errors.write + errors.timeout,
                         errors.status, summary.duration, latency:percentile(50),
                         latency:percentile(99)))
end
