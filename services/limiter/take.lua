-- Takes cells from one key's budget; the arithmetic is that of gcra.cpp, on doubles that stay below 2^53.
--
-- KEYS[1]  the cell; the only key, so one slot
-- ARGV     cost (0 peeks), period in microseconds, limit, burst, version of the rule,
--          not_after in microseconds of this server's clock
-- Reply    {verdict, now, base, taken, period, limit, burst}; verdict 1 granted, 0 refused, -1 too late (then
--          only now follows, and nothing was taken)
--
-- The cell is packed: base, period, version (doubles), taken, limit, burst (32 bits each). It carries its rule,
-- so that during a change of the rules a request under an older version is judged by the newer one.
-- It expires once it would be empty; the millisecond more is for Redis' coarser clock of expiry.
-- A cell that a newer rule or a step of the clock has moved is stored even when nothing is taken: else each look
-- would begin with the old one again, and who waits as long as it was told would be refused.

local cost, period, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local burst, version = tonumber(ARGV[4]), tonumber(ARGV[5])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
if now > tonumber(ARGV[6]) then return {-1, now} end

-- a / b for whole numbers, rounded down; a % b alone loses digits when a is large
local function divide(a, b)
    local rest = math.fmod(a, b)
    if rest < 0 then rest = rest + b end
    return (a - rest) / b, rest
end

-- the time of that many cells, rounded up
local function time_of(cells, p, l)
    local whole, part = divide(p, l)
    local quotient, rest = divide(cells * part, l)
    return cells * whole + quotient + (rest > 0 and 1 or 0)
end

local base, taken = now, 0
local moved, binding = false, false
local stored = redis.call('GET', KEYS[1])
if stored then
    local p, v, l, b
    base, p, v, taken, l, b = struct.unpack('<dddI4I4I4', stored)
    local newer = version > v
    if v > version then
        period, limit, burst, version = p, l, b, v
    elseif p ~= period or l ~= limit then
        -- more than its burst is owed only after the clock stepped back
        local owed = math.min(base + time_of(taken, p, l) - now, time_of(b, p, l))
        base, taken = now, 0
        if owed > 0 then
            moved = true
            -- whole cells in `owed`: close by division, then exact
            taken = math.floor(owed / (p / l))
            while time_of(taken + 1, p, l) <= owed do taken = taken + 1 end
            while taken > 0 and time_of(taken, p, l) > owed do taken = taken - 1 end
            if taken >= burst then
                taken = burst
            else
                local rest = math.max(0, owed - time_of(taken, p, l))
                base = now + math.ceil(rest * (period / limit * l / p))
            end
        end
    end
    -- Workers that have different rules under one version may not cut each other's debts.
    binding = newer or (p == period and l == limit and b == burst)
end

if time_of(taken, period, limit) <= now - base then
    base, taken = now, 0
elseif time_of(taken - burst, period, limit) > now - base then
    base, taken, moved = now, burst, true
else
    local periods = divide(taken, limit)
    base, taken = base + periods * period, taken - periods * limit
end

local granted = time_of(taken + cost - burst, period, limit) <= now - base
if granted then taken = taken + cost end
if (granted and cost > 0) or (moved and binding) then
    local owed = base + time_of(taken, period, limit) - now
    redis.call('SET', KEYS[1], struct.pack('<dddI4I4I4', base, period, version, taken, limit, burst),
               'PX', math.ceil(owed / 1000) + 1)
end
return {granted and 1 or 0, now, base, taken, period, limit, burst}
