-- Acquires, renews, releases or counts the slots of one key.
--
-- KEYS[1]  a sorted set of the slots' ids by when they expire; the only key, so one slot of the cluster
-- ARGV     'acquire', 'renew', 'release' or 'peek'; id; limit; ttl and longest ttl of the rule in microseconds;
--          not_after in microseconds of this server's clock (acquire and renew)
-- Reply    {done, now, held, when enough have expired for one to be free (0: one is), when the last one expires
--          (0: none is held)}; or {-1, now}: too late, and nothing was done
--
-- A slot counts until the microsecond in which it expires. What has expired is removed by and by: one call's work
-- is bounded, and what is left does not count. A lowered limit leaves those held in place.
-- A step of the clock forward frees slots early: their holders learn it when they renew. After a step back no slot
-- is held longer than the rule's longest ttl from when that is seen; so a lowered one holds for slots that exist.

local key, id = KEYS[1], ARGV[2]
local limit, ttl, longest = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local most_at_once = 1000
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local verb = ARGV[1]
if (verb == 'acquire' or verb == 'renew') and now > tonumber(ARGV[6]) then return {-1, now} end

local function expiry_at(rank)
    local found = redis.call('ZRANGE', key, rank, rank, 'WITHSCORES')
    return tonumber(found[2] or 0)
end

local changed = false
-- whole microseconds, so now + 1 is the first expiry that is still to come
local held = redis.call('ZCOUNT', key, now + 1, '+inf')
local expired = redis.call('ZCARD', key) - held
if expired > 0 then
    local removed = math.min(expired, most_at_once)
    redis.call('ZREMRANGEBYRANK', key, 0, removed - 1)
    expired = expired - removed
end
if held > 0 and expiry_at(-1) > now + longest then
    changed = true
    for _, far in ipairs(redis.call('ZRANGE', key, -most_at_once, -1)) do
        redis.call('ZADD', key, 'LT', now + longest, far)
    end
end

local score = id ~= '' and redis.call('ZSCORE', key, id)
local holds = score and tonumber(score) > now
local done = false
if verb == 'acquire' then
    done = holds or held < limit
elseif verb == 'renew' then
    done = holds
elseif verb == 'release' then
    done, changed = true, true
    if score then redis.call('ZREM', key, id) end
    if holds then held = held - 1 elseif score then expired = expired - 1 end
else
    done = held < limit
end
if done and (verb == 'acquire' or verb == 'renew') then
    changed = true
    redis.call('ZADD', key, now + ttl, id)
    if not holds then held = held + 1 end
    if score and not holds then expired = expired - 1 end
end

local last = held > 0 and expiry_at(-1) or 0
local free = held >= limit and expiry_at(expired + held - limit) or 0
if changed then redis.call('PEXPIREAT', key, math.ceil(last / 1000) + 1) end
return {done and 1 or 0, now, held, free, last}
