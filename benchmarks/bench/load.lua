-- Each request is another browser's: of those in a file, a line "path<TAB>cookie" for each, every thread has
-- its own. Takes the file and how many threads there are; prints what came of it as JSON.
local requests, turn, threads = {}, 0, 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  local lines = 0
  for line in io.lines(arguments[1]) do
    local path, cookie = line:match("^(.-)\t(.*)$")
    if lines % tonumber(arguments[2]) == number then
      requests[#requests + 1] = wrk.format("GET", path, { Cookie = cookie })
    end
    lines = lines + 1
  end
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
