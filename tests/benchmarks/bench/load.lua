-- Each request is another browser's. Takes a file with a line "path<TAB>cookie" for each of them, prints JSON.
local requests, turn, threads = {}, 0, 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  for line in io.lines(arguments[1]) do
    local path, cookie = line:match("^(.-)\t(.*)$")
    requests[#requests + 1] = wrk.format("GET", path, cookie ~= "" and { Cookie = cookie } or {})
  end
  turn = math.floor(#requests / 2) * number  -- two threads never ask for the same patient at once
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
