-- Registers a worker, reports what it has applied, and gives it what came since.
--
-- KEYS     those of epoch.lua, which this is appended to; then the relay's hash
-- ARGV     newest epoch that the caller knows; the report's epoch and sequence; the worker's incarnation; its report;
--          how many entries at most
-- Reply    {epoch, sequence, entries as XRANGE has them, age of the relay's claim, up to where it has purged, age of its
--          claim of views, up to where these are}; no entries for a report of another epoch; ages in microseconds of
--          this server's clock, -1 without a claim; positions as PostgreSQL writes them, empty where none is noted

local epoch, sequence = current_head(tonumber(ARGV[1]))
redis.call('HSET', members_key, ARGV[4], ARGV[5])
local applied = tonumber(ARGV[3])
local entries = {}
if tonumber(ARGV[2]) == epoch and applied < sequence then
    entries = redis.call('XRANGE', log_key, string.format('%.0f', applied + 1), '+', 'COUNT', ARGV[6])
end
local said = redis.call('HMGET', KEYS[5], 'claim', 'purged', 'views_claim', 'viewed')
local clock = redis.call('TIME')
local function age(claim)
    -- A clock that was set back says nothing.
    return claim and math.max(clock[1] * 1000000 + clock[2] - claim, -1) or -1
end
return {epoch, sequence, entries, age(said[1]), said[2] or '', age(said[3]), said[4] or ''}
