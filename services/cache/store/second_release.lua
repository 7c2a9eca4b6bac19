-- Gives a lock back, if it is still the holder's.
--
-- KEYS[1]  the lock
-- ARGV[1]  the holder's token
-- ARGV[2]  optional: milliseconds for which everybody fetches for themselves
-- Reply    1 when it was the holder's, else 0

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] then
    redis.call('SET', KEYS[1], 'nobodys', 'PX', ARGV[2])
else
    redis.call('DEL', KEYS[1])
end
return 1
