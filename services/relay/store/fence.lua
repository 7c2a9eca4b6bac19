-- What every script of the relay does first, after epoch.lua of the purge log: whoever lost its slot writes nothing.
--
-- KEYS[5]  the relay: a hash of fence, owner, system, slot, claim; in the slot of the purge log
-- ARGV     the last one: the fence that the caller took when it had the slot
-- Reply    {0} when another has taken one since

if redis.call('HGET', KEYS[5], 'fence') ~= ARGV[#ARGV] then return { 0 } end
