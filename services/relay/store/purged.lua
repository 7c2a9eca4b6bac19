-- What the relay notes with a write that makes transactions done. What follows is purge.lua of the purge log.
--
-- KEYS     those of the purge log's epoch.lua, and the relay's, after fence.lua
-- ARGV     those of purge.lua; up to where everything is purged with this write, or nothing

if ARGV[5] ~= '' then redis.call('HSET', KEYS[5], 'purged', ARGV[5]) end

