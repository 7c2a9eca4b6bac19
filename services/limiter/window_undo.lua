-- Gives back what was taken from one key's counter, if its window is still the one that it was taken in.
--
-- KEYS[1]  the counter; the only key, so one slot
-- ARGV     cost, begin of the window
-- Reply    what was given back

local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
local begins, ends, version, taken, limit = struct.unpack('<dddI4I4', stored)
if begins ~= tonumber(ARGV[2]) then return 0 end
local given = math.min(tonumber(ARGV[1]), taken)
redis.call('SET', KEYS[1], struct.pack('<dddI4I4', begins, ends, version, taken - given, limit), 'KEEPTTL')
return given
