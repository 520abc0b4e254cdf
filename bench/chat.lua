-- wrk: POST /chat in turn for each session of the file that SESSIONS names, one token a line.
local tenant = os.getenv("TENANT")
local requests = {}
local next_one = 0

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

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

dofile(os.getenv("BENCH") .. "/result.lua")
