-- Adds to what is shared of a fill: a stream whose entries are numbered from 1 on.
--
-- KEYS[1]  the stream; only its leader writes to it
-- ARGV[1]  milliseconds that it lasts from now on
-- ARGV[2]  number of the first entry that is kept; those before it go
-- ARGV[3]  number of the first entry that is added
-- ARGV[4]  and on: the entries
-- Reply    nothing

local number = tonumber(ARGV[3])
for i = 4, #ARGV do
    redis.call('XADD', KEYS[1], string.format('%d-0', number), 'e', ARGV[i])
    number = number + 1
end
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2] .. '-0')
redis.call('PEXPIRE', KEYS[1], ARGV[1])
