-- What the relay notes with a write that makes transactions done. What follows is purge.lua of the purge log.
--
-- KEYS     those of the purge log's epoch.lua, and the relay's, after fence.lua; one for each token
-- ARGV     those of purge.lua; up to where everything is purged with this write, or nothing; for each token where its
--          transaction ends

if ARGV[5] ~= '' then redis.call('HSET', KEYS[5], 'purged', ARGV[5]) end
-- A client reads within a minute of its write, or asks the origin.
for at = 6, #KEYS do redis.call('SET', KEYS[at], ARGV[at], 'EX', 60) end

