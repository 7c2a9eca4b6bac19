-- Registers a worker, reports what it has applied, and gives it what came since.
--
-- KEYS     those of purge_log_epoch.lua, which this is appended to
-- ARGV     newest epoch that the caller knows; the report's epoch and sequence; the worker's incarnation; its report;
--          how many entries at most
-- Reply    {epoch, sequence, entries as XRANGE has them}; no entries for a report of another epoch

local epoch, sequence = current_head(tonumber(ARGV[1]))
redis.call('HSET', members_key, ARGV[4], ARGV[5])
local applied = tonumber(ARGV[3])
if tonumber(ARGV[2]) ~= epoch or applied >= sequence then return {epoch, sequence, {}} end
return {epoch, sequence, redis.call('XRANGE', log_key, string.format('%.0f', applied + 1), '+', 'COUNT', ARGV[6])}
