-- Takes the lock of a URL's fill, or tells who has it and that somebody waits.
--
-- KEYS[1]  the lock
-- KEYS[2]  in the same slot: there while somebody waits
-- ARGV[1]  a token drawn for this attempt
-- ARGV[2]  milliseconds that the lock lasts unless it is kept up
-- ARGV[3]  milliseconds that the leader has to see that somebody waits
-- Reply    empty when it is taken; the holder's token; or `nobodys` for a URL that everybody fetches

local holder = redis.call('GET', KEYS[1])
if not holder then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return ''
end
if holder ~= 'nobodys' then redis.call('SET', KEYS[2], '', 'PX', ARGV[3]) end
return holder
