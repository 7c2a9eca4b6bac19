-- Takes from, looks at or gives back to one key's counter of a calendar window; window.cpp computes the same.
--
-- KEYS[1]  the counter
-- KEYS[2]  what was decided for an idempotency key, when there is one; in the same slot
-- ARGV     cost (0 takes nothing), cells to give back, limit, version of the rule, not_after in microseconds of this
--          server's clock, begin and end of the window that the caller believes to be the current one
-- Reply    {granted, now, decided at, replayed, begin, end, taken, limit, given back}: 1 or 0 for granted and
--          replayed; or {verdict, now}, and nothing was done: -1 too late, -2 now is in another window,
--          -3 the idempotency key was used with another cost
--
-- The counter is packed: begin, end, version (doubles), taken, limit (32 bits each). It carries its window and rule,
-- so that a running window stays in force while workers differ (an older version, other tzdata); only a newer
-- version begins another. A counter from the future is that of a clock that was put back: see window.hpp.
-- It expires at its window's end and not some time from now: TIME may be later than what Redis counts from. The
-- millisecond more is for its coarser clock of expiry.

local cost, refund, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local version, begins, ends = tonumber(ARGV[4]), tonumber(ARGV[6]), tonumber(ARGV[7])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
if now > tonumber(ARGV[5]) then return {-1, now} end

if KEYS[2] then
    local first = redis.call('GET', KEYS[2])
    if first then
        local c, granted, at, b, e, t, l = struct.unpack('<I4I4dddI4I4', first)
        if c ~= cost then return {-3, now} end
        return {granted, now, at, 1, b, e, t, l, 0}
    end
end
if now < begins or now >= ends then return {-2, now} end

local taken, moved = 0, false
local stored = redis.call('GET', KEYS[1])
if stored then
    local b, e, v, t, l = struct.unpack('<dddI4I4', stored)
    local is_next = b == ends
    if e <= now then
        -- over
    elseif b > now and not is_next then
        taken, moved = math.min(t, limit), true
    elseif v > version then
        begins, ends, version, taken, limit = b, e, v, t, l
    else
        if v == version or is_next then begins, ends = b, e end
        if begins == b then taken = t end
        moved = v < version
    end
end

local granted = cost == 0 or taken + cost <= limit
local given = math.min(refund, taken)
local before = taken
if granted then taken = taken + cost end
taken = taken - given
if taken ~= before or moved then
    redis.call('SET', KEYS[1], struct.pack('<dddI4I4', begins, ends, version, taken, limit),
               'PXAT', math.ceil(ends / 1000) + 1)
end
if KEYS[2] then
    local bit = granted and 1 or 0
    redis.call('SET', KEYS[2], struct.pack('<I4I4dddI4I4', cost, bit, now, begins, ends, taken, limit), 'PX', 300000)
end
return {granted and 1 or 0, now, now, 0, begins, ends, taken, limit, given}
