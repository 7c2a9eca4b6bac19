-- What Prometheus reads below /metrics/ of the admin address: the workers and Redis listen only on private sockets, and
-- HAProxy, which may open them, passes on their metrics and nothing else of theirs.
local sockets, conf = os.getenv("SHOAL_SOCKETS"), os.getenv("SHOAL_CONF")
local configuration = os.getenv("SHOAL_CONFIGURATION")
local SECONDS, MOST = 2, 4 * 1024 * 1024

-- Of INFO: the name that redis_exporter has for it, its type, and what is 1 where it is a word.
local INFO = {
    uptime_in_seconds = {"redis_uptime_in_seconds", "gauge"},
    loading = {"redis_loading_dump_file", "gauge"},
    connected_clients = {"redis_connected_clients", "gauge"},
    blocked_clients = {"redis_blocked_clients", "gauge"},
    rejected_connections = {"redis_rejected_connections_total", "counter"},
    total_commands_processed = {"redis_commands_processed_total", "counter"},
    used_memory = {"redis_memory_used_bytes", "gauge"},
    maxmemory = {"redis_memory_max_bytes", "gauge"},
    evicted_keys = {"redis_evicted_keys_total", "counter"},
    expired_keys = {"redis_expired_keys_total", "counter"},
    aof_enabled = {"redis_aof_enabled", "gauge"},
    aof_last_write_status = {"redis_aof_last_write_status", "gauge", "ok"},
    aof_last_bgrewrite_status = {"redis_aof_last_bgrewrite_status", "gauge", "ok"},
    aof_delayed_fsync = {"redis_aof_delayed_fsync", "gauge"},
    rdb_last_bgsave_status = {"redis_rdb_last_bgsave_status", "gauge", "ok"},
}

-- Of a worker's /-/config, where each stands on a line of its own.
local CONFIG = {
    {"shoal_worker_config_version", "The version of the configuration in force.", '\n  "config_version": (%d+)'},
    {"shoal_worker_uptime_seconds", "Since the process of this place started.", '\n  "uptime_s": ([%d.e+-]+)'},
    {"shoal_worker_draining", "1 while it takes nothing more.", '\n  "draining": (%a+)', "true"},
}

local function sample(name, kind, help, value, labels)
    return string.format("# HELP %s %s\n# TYPE %s %s\n%s%s %s\n", name, help, name, kind, name, labels or "", value)
end

local function connect(name)
    local socket = core.tcp()
    socket:settimeout(SECONDS)
    return socket:connect("unix@" .. sockets .. "/" .. name) and socket or nil
end

local function read_file(name)
    local file = io.open(conf .. "/" .. name, "r")
    if not file then return nil end
    local text = file:read("a")
    file:close()
    return text
end

-- Whoever does not answer this in time is not asked for more: the client below would wait for half a minute.
local function lives(name)
    local socket = connect(name .. ".admin")
    if not socket then return false end
    socket:send("GET /-/live HTTP/1.1\r\nHost: shoal\r\nConnection: close\r\n\r\n")
    local status = socket:receive("*l")
    socket:close()
    return status ~= nil and status:match("^HTTP/1%.1 200") ~= nil
end

-- The connection must end: this HAProxy takes an idle one to any unix socket for one to the socket that is asked for.
local function ask_worker(name, path)
    local answer = core.httpclient():get{url = "http://shoal" .. path,
                                         dst = "unix@" .. sockets .. "/" .. name .. ".admin",
                                         headers = {["connection"] = {"close"}}}
    local who = answer.headers and answer.headers["x-shoal-worker"]
    return answer.status == 200 and who and who[0] == name and answer.body or nil
end

local function of_worker(name)
    if not lives(name) then return nil end
    local metrics, config = ask_worker(name, "/-/metrics"), ask_worker(name, "/-/config")
    if not metrics or not config then return nil end
    local parts = {metrics}
    for _, field in ipairs(CONFIG) do
        local value = ("\n" .. config):match(field[3])
        if value and field[4] then value = value == field[4] and 1 or 0 end
        if value then parts[#parts + 1] = sample(field[1], "gauge", field[2], value) end
    end
    return table.concat(parts)
end

local function of_redis(instance)
    local socket = connect("redis-" .. instance .. ".sock")
    if not socket then return nil end
    socket:send("INFO\r\n")
    local head = socket:receive("*l")
    local length = head and tonumber(head:match("^%$(%d+)"))
    local info = length and length <= MOST and socket:receive(length)
    socket:close()
    if not info then return nil end
    local parts = {}
    for key, value in info:gmatch("([%w_]+):([^\r\n]*)") do
        local known = INFO[key]
        if known then
            if known[3] then value = value == known[3] and 1 or 0 end
            parts[#parts + 1] = sample(known[1], known[2], "INFO " .. key, value)
        end
    end
    return table.concat(parts)
end

local function of_fleet()
    local wanted = read_file("wanted.prom")
    local name = "shoal_running_haproxy"
    return wanted and wanted .. sample(name, "gauge", "The configuration that HAProxy runs.", 1,
                                       '{configuration="' .. configuration .. '"}')
end

local function answer(path)
    local name = path:match("^/metrics/([%w-]+)$") or ""
    if name == "targets" then return read_file("targets.json"), "application/json" end
    if name == "fleet" then return of_fleet() end
    if name:match("^%l[%l%d]*%-%d+$") then return of_worker(name) end
    local instance = name:match("^redis%-(%l[%l%d]*)$")
    return instance and of_redis(instance)
end

core.register_service("shoal-metrics", "http", function(applet)
    local body, kind = answer(applet.path)
    applet:set_status(body and 200 or 503)
    body = body or "nobody answers for " .. applet.path .. "\n"
    applet:add_header("content-type", kind or "text/plain; version=0.0.4; charset=utf-8")
    applet:add_header("content-length", #body)
    applet:add_header("cache-control", "no-store")
    applet:start_response()
    applet:send(body)
end)
