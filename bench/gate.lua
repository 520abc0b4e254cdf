-- wrk: GET the URL in turn as each of CLIENTS clients; 0: as nobody.
local requests = {}
local next_one = 0

function init(_)
  for number = 1, tonumber(os.getenv("CLIENTS")) do
    requests[number] = wrk.format("GET", wrk.path, { ["X-Client"] = "client-" .. number })
  end
  if #requests == 0 then requests[1] = wrk.format("GET", wrk.path) end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

dofile(os.getenv("BENCH") .. "/result.lua")
