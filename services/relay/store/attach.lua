-- Notes what the relay is attached to, once nothing that was cached before can be stale for what it missed.
--
-- KEYS     those of the purge log's epoch.lua, and the relay's, after fence.lua
-- ARGV[1]  the epoch of the caller's last reply
-- ARGV[2]  the source: system, timeline, database and slot
-- ARGV[3]  the position up to which nothing is missing, and so everything purged
-- ARGV[4]  the source that views are known to be of, or nothing
-- Reply    {epoch}; {0} where it is another one by now: what the caller has found or written since it took the fence may
--          be gone

local epoch = current_head(tonumber(ARGV[1]))
if epoch ~= tonumber(ARGV[1]) then return { 0 } end
redis.call('HSET', KEYS[5], 'source', ARGV[2], 'position', ARGV[3], 'purged', ARGV[3], 'epoch',
           string.format('%.0f', epoch), 'views_source', ARGV[4])
-- Said again once the views are known to be of this source.
redis.call('HDEL', KEYS[5], 'viewed')
return {epoch}
