-- Deletes some entries of generations that nobody reads any more.
--
-- KEYS     those of the purge log's epoch.lua, and the relay's, after fence.lua; entries and indexes are of the same slot
-- ARGV     newest epoch that the caller knows; how many entries
-- Reply    {epoch, 1 while there is more to delete}

local epoch = current_head(tonumber(ARGV[1]))
local old = '{cache}:views:old'
local generation = redis.call('SRANDMEMBER', old)
if not generation then return {epoch, 0} end
local name, number = string.match(generation, '^(%S+) (%d+)$')
local index = '{cache}:view:' .. name .. ':' .. number
for _, key in ipairs(redis.call('SPOP', index, ARGV[2])) do
    redis.call('UNLINK', index .. ':' .. key)
end
if redis.call('EXISTS', index) == 0 then redis.call('SREM', old, generation) end
return {epoch, 1}
