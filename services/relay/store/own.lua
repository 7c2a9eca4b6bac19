-- Takes the fence: from here on who had the slot before writes nothing. Tells what the relay before was attached to.
--
-- KEYS     those of the purge log's epoch.lua, which this is appended to; then the relay: a hash
-- ARGV[1]  newest epoch that the caller knows
-- ARGV[2]  the caller's incarnation
-- Reply    {epoch, fence, source and position as the relay before noted them, or nothing; the same of the views, also of
--          an epoch before this one, as they are written by the scripts that note it}

local epoch = current_head(tonumber(ARGV[1]))
-- A time, so that none is given twice even when Redis has forgotten the last one.
local clock = redis.call('TIME')
local last = tonumber(redis.call('HGET', KEYS[5], 'fence') or 0)
local fence = math.max(clock[1] * 1000000 + clock[2], last + 1)
redis.call('HSET', KEYS[5], 'fence', string.format('%.0f', fence), 'owner', ARGV[2])
local stored = redis.call('HMGET', KEYS[5], 'source', 'epoch', 'position', 'views_source')
-- What an epoch before this one knew may be gone.
local known = stored[2] == string.format('%.0f', epoch)
return {epoch, fence, known and stored[1] or '', known and stored[3] or '', stored[4] or '', stored[3] or ''}
