-- wrk: GET the URL in turn as each of CLIENTS clients; 0: as nobody.
dofile(os.getenv("BENCH") .. "/wrk.lua")

local requests = {}

function init(_)
  for number = 1, tonumber(os.getenv("CLIENTS")) do
    requests[number] = wrk.format("GET", wrk.path, { ["X-Client"] = "client-" .. number })
  end
  if #requests == 0 then requests[1] = wrk.format("GET", wrk.path) end
end

request = in_turn(requests)
