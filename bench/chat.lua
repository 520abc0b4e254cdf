-- wrk: POST /chat in turn for each session of the file that SESSIONS names, one token a line.
dofile(os.getenv("BENCH") .. "/wrk.lua")

local tenant = os.getenv("TENANT")
local requests = {}

function init(_)
  for token in io.lines(os.getenv("SESSIONS")) do
    local body = string.format('{"tenant_id":"%s","session_id":"%s","message":"hello"}',
                               tenant, token)
    requests[#requests + 1] = wrk.format("POST", "/chat", {
      ["Content-Type"] = "application/json",
      ["X-Tenant-ID"] = tenant,
      ["X-Session-ID"] = token,
    }, body)
  end
end

request = in_turn(requests)
