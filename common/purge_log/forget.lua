-- Forgets members that did not report a purge until their leases had run out; one that has renewed since stays.
--
-- KEYS[1]  the members; the only key, so one slot
-- ARGV     pairs of an incarnation and its report as the purge found it
-- Reply    how many are forgotten

local forgotten = 0
for at = 1, #ARGV, 2 do
    if redis.call('HGET', KEYS[1], ARGV[at]) == ARGV[at + 1] then
        forgotten = forgotten + redis.call('HDEL', KEYS[1], ARGV[at])
    end
end
return forgotten
