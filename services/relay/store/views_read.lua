-- What Redis has of views.
--
-- KEYS     those of the purge log's epoch.lua, and the relay's, after fence.lua; the views' own are of the same slot
-- ARGV     newest epoch that the caller knows
-- Reply    {epoch, directory, generations, digests}, each a list of names and values

local epoch = current_head(tonumber(ARGV[1]))
return {epoch, redis.call('HGETALL', '{cache}:views'), redis.call('HGETALL', '{cache}:views:generations'),
        redis.call('HGETALL', '{cache}:views:digests')}
