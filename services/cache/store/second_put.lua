-- Keeps a response: in the URL's own record, or where it has a Vary in one of its variant, which the URL's record then
-- names the way to: `V`, and after a line feed each the names that its variants are found by, newest first.
--
-- KEYS[1]  the URL's record
-- KEYS[2]  optional, in the same slot: the variant's record
-- ARGV[1]  the response's record (memory/record.hpp)
-- ARGV[2]  milliseconds that it is kept
-- ARGV[3]  its Vary: names joined by commas; empty without KEYS[2]
-- ARGV[4]  optional: the fill, in 16 bytes, that it takes the place of; no other, but of nothing
-- Reply    1 when it is kept, 0 when another fill is there or the one there is of a later position of the purge log
--
-- In a record the stamp is in bytes 9 to 24, epoch first and most significant byte first; the fill in 25 to 40.

local most_ways = 4

-- Of strings Lua's order is that of the server's locale.
local function later(a, b)
    local a_high, a_low = struct.unpack('>I4I4', a, 17)
    local b_high, b_low = struct.unpack('>I4I4', b, 17)
    return a_high > b_high or a_high == b_high and a_low > b_low
end

local at = KEYS[2] or KEYS[1]
local head = redis.call('GETRANGE', at, 0, 39)
local is_response = string.sub(head, 1, 1) == 'S'
if ARGV[4] then
    if head ~= '' and (not is_response or string.sub(head, 25, 40) ~= ARGV[4]) then return 0 end
    if head == '' and KEYS[2] and redis.call('GETRANGE', KEYS[1], 0, 0) == 'S' then return 0 end
elseif is_response and string.sub(head, 9, 16) == string.sub(ARGV[1], 9, 16) and later(head, ARGV[1]) then
    return 0
end
redis.call('SET', at, ARGV[1], 'PX', ARGV[2])
if not KEYS[2] then return 1 end

local ways = 'V\n' .. ARGV[3]
local lasts = tonumber(ARGV[2])
if redis.call('GETRANGE', KEYS[1], 0, 1) == 'V\n' then
    local count = 1
    for way in string.gmatch(redis.call('GET', KEYS[1]), '\n([^\n]+)') do
        if way ~= ARGV[3] and count < most_ways then
            ways = ways .. '\n' .. way
            count = count + 1
        end
    end
    lasts = math.max(lasts, redis.call('PTTL', KEYS[1]))
end
redis.call('SET', KEYS[1], ways, 'PX', string.format('%d', lasts))
return 1
