-- Keeps up a lock and what is shared under it, and asks whether somebody waits.
--
-- KEYS[1]  the lock
-- KEYS[2]  in the same slot: there while somebody waits
-- KEYS[3]  in the same slot: the stream of what is shared
-- ARGV[1]  the holder's token
-- ARGV[2]  milliseconds that the lock lasts from now on
-- ARGV[3]  milliseconds that the stream lasts from now on
-- Reply    1 when somebody waits, 0 when nobody does, -1 when the lock is not the holder's any more

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return redis.call('EXISTS', KEYS[2])
