-- The relay's heartbeat: everything that could be seen in the database at a time before is in the log.
--
-- KEYS     those of the purge log's epoch.lua, and the relay's, after fence.lua
-- ARGV[1]  newest epoch that the caller knows
-- ARGV[2]  that time, microseconds of this server's clock, as an earlier reply named it; 0 to ask for the time alone
-- ARGV[3]  position in the database's log up to which everything is done: the slot may be confirmed up to there
-- ARGV[4]  position up to which everything is purged
-- ARGV[5]  position up to which everything is in the views
-- ARGV[6]  as ARGV[2], of views: everything that could be seen then is in them
-- Reply    {epoch, this server's clock in microseconds}; {0} where the log's epoch is not the one that the relay attached
--          under: what this server has may be older than the position

local epoch = current_head(tonumber(ARGV[1]))
if redis.call('HGET', KEYS[5], 'epoch') ~= string.format('%.0f', epoch) then return { 0 } end
local clock = redis.call('TIME')
if ARGV[2] ~= '0' then redis.call('HSET', KEYS[5], 'claim', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[5], 'position', ARGV[3]) end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[5], 'purged', ARGV[4]) end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[5], 'viewed', ARGV[5]) end
if ARGV[6] ~= '0' then redis.call('HSET', KEYS[5], 'views_claim', ARGV[6]) end
return {epoch, clock[1] * 1000000 + clock[2]}
