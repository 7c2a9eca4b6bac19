-- What came since, of a fill that another worker leads.
--
-- KEYS[1]  the lock
-- KEYS[2]  in the same slot: the stream of what is shared
-- KEYS[3]  in the same slot: there while somebody waits
-- ARGV[1]  the leader's token
-- ARGV[2]  number of the first entry that is wanted
-- ARGV[3]  the most entries to give
-- ARGV[4]  milliseconds that the leader has to see that somebody follows
-- Reply    1 while the leader has its lock, 0 when it has not, -1 when everybody fetches; number of the first entry
--          given, 0 without one; the entries

local entries = redis.call('XRANGE', KEYS[2], ARGV[2] .. '-0', '+', 'COUNT', ARGV[3])
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then redis.call('SET', KEYS[3], '', 'PX', ARGV[4]) end
local reply = { holder == ARGV[1] and 1 or holder == 'nobodys' and -1 or 0, 0 }
for i, entry in ipairs(entries) do
    if i == 1 then reply[2] = tonumber(string.match(entry[1], '^%d+')) end
    reply[i + 2] = entry[2][2]
end
return reply
