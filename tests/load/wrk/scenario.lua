-- The load of scripts/loadtest for those who prefer wrk: keys by Zipf, statuses and workers counted.
--
--   wrk -t1 -c32 -d10s -s tests/load/wrk/scenario.lua http://127.0.0.1:8080 -- \
--       --method POST --target '/v1/limits/bulk/{key}' --keys 10000 --exponent 0.99 --expect 200,429
--
-- Every word after -- may be left out. The last line of the output is JSON. wrk is a closed loop: it sends when an
-- answer has come, so a server that stalls is asked less meanwhile, and its latencies do not say what users waited.
-- What counts statuses costs wrk about a fifth of its speed; without it: --count no.

local options = {method = "GET", target = "/{key}", keys = "10000", exponent = "0.99", expect = "200-399",
                 seed = "1", count = "yes"}
local threads = {}

local function fail(text)
    io.stderr:write("scenario.lua: " .. text .. "\n")
    os.exit(2)
end

local function read_options(words)
    local i = 1
    while i <= #words do
        local name = words[i]:match("^%-%-(%a+)$")
        if not name or not options[name] or not words[i + 1] then
            fail("'" .. words[i] .. "' is none of --method, --target, --keys, --exponent, --expect, --seed, --count, "
                 .. "with a value")
        end
        options[name] = words[i + 1]
        i = i + 2
    end
end

local function number(name, least, most)
    local value = tonumber(options[name])
    if not value or value < least or value > most then
        fail("--" .. name .. " '" .. options[name] .. "' must be a number from " .. least .. " to " .. most)
    end
    return value
end

local function read_statuses(text)
    local expected = {}
    for part in text:gmatch("[^,]+") do
        local first, last = part:match("^(%d%d%d)%-?(%d*)$")
        if not first then fail("--expect '" .. text .. "' must be as 200,429 or 200-299") end
        for status = first, last ~= "" and last or first do expected[status] = true end
    end
    return expected
end

-- The request in pieces around its keys: formatting each anew would cost more than sending it.
local function prepare(method, target)
    local pieces, rest = {}, wrk.format(method, target)
    while true do
        local first, last = rest:find("{key}", 1, true)
        if not first then break end
        pieces[#pieces + 1] = rest:sub(1, first - 1)
        rest = rest:sub(last + 1)
    end
    pieces[#pieces + 1] = rest
    return pieces
end

-- Called in the main state, once for each thread.
function setup(thread)
    threads[#threads + 1] = thread
    thread:set("thread_number", #threads)
end

function init(words)
    read_options(words)
    local count, exponent = number("keys", 1, 1000000), number("exponent", 0, 10)
    math.randomseed(number("seed", 0, 2 ^ 31) * 1000 + thread_number)
    sums, total = {}, 0
    for rank = 1, count do
        total = total + rank ^ -exponent
        sums[rank] = total
    end
    expected = read_statuses(options.expect)
    pieces = prepare(options.method, options.target)
    statuses, workers, unexpected = {}, {}, 0
    if options.count == "no" then response = nil end
end

local function next_key()
    local wanted, low, high = math.random() * total, 1, #sums
    while low < high do
        local middle = math.floor((low + high) / 2)
        if sums[middle] < wanted then low = middle + 1 else high = middle end
    end
    return "key-" .. low
end

function request()
    return table.concat(pieces, next_key())
end

function response(status, headers)
    statuses[status] = (statuses[status] or 0) + 1
    if not expected[status] then unexpected = unexpected + 1 end
    for name, value in pairs(headers) do
        if name:lower() == "x-shoal-worker" then workers[value] = (workers[value] or 0) + 1 end
    end
end

local function sum(name)
    local all = {}
    for _, thread in ipairs(threads) do
        for key, count in pairs(thread:get(name) or {}) do all[key] = (all[key] or 0) + count end
    end
    local parts = {}
    for key, count in pairs(all) do parts[#parts + 1] = string.format('"%s":%d', key, count) end
    table.sort(parts)
    return "{" .. table.concat(parts, ",") .. "}"
end

function done(summary, latency)
    local wrong, errors = 0, summary.errors
    for _, thread in ipairs(threads) do wrong = wrong + (thread:get("unexpected") or 0) end
    local lost = errors.connect + errors.read + errors.write + errors.timeout
    io.write(string.format(
        '{"requests":%d,"errors":%d,"lost":%d,"rate":%.1f,"statuses":%s,"workers":%s,' ..
        '"latency_ms":{"p50":%.3f,"p90":%.3f,"p99":%.3f,"p999":%.3f,"max":%.3f}}\n',
        summary.requests, wrong + lost, lost, summary.requests / summary.duration * 1e6, sum("statuses"),
        sum("workers"), latency:percentile(50) / 1000, latency:percentile(90) / 1000, latency:percentile(99) / 1000,
        latency:percentile(99.9) / 1000, latency.max / 1000))
end
