-- One operation on a key's cell: settles a lease, gives back, takes or leases. The arithmetic is that of gcra.cpp,
-- on doubles that stay below 2^53.
--
-- KEYS[1]  the cell
-- KEYS[2]  optional, in the same slot: the first reply for an Idempotency-Key, kept for 5 minutes
-- ARGV[1]  doubles, packed: what Redis would convert one by one costs as much as all the arithmetic.
--          cost (0 takes nothing), period in microseconds, limit, burst, version of the rule,
--          not_after in microseconds of this server's clock;
--          optional: cells for the crowd that waits (cost and below: none), cells to lease instead (only who is
--          alone gets a lease), cells to give back;
--          optional: what the lease to settle knew: base and taken before, base and taken after, returned,
--          generation, cells granted, cells unspent, version
-- Reply    doubles, packed: verdict, now, base, taken, period, limit, burst; verdict 1 granted, 0 refused; 10 more
--          for the first reply again; with what is optional also version, returned, generation, base and taken
--          before, cells taken, refunded and settled, 1 when nobody else had moved the cell, 1 when it is a lease.
--          -1, now: too late; -2, now: the Idempotency-Key had another cost. Nothing was done.
--
-- The cell is packed: base, period, version (doubles), taken, limit, burst, returned, generation (32 bits each):
-- 44 bytes, the most that Redis keeps in one allocation. It carries its rule, so that during a change of the rules
-- a request under an older version is judged by the newer one.
-- It expires once it would be empty, but not within 100 ms, so that its worker finds that it is alone with the key;
-- the millisecond more is for Redis' coarser clock of expiry.
-- A cell that a newer rule or a step of the clock has moved is stored even when nothing is taken: else each look
-- would begin with the old one again, and who waits as long as it was told would be refused.

local unpack, pack, ceil = struct.unpack, struct.pack, math.ceil
local cost, period, limit, burst, version, not_after = unpack('<dddddd', ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
if now > not_after then return pack('<dd', -1, now) end

if KEYS[2] then
    local first = redis.call('GET', KEYS[2])
    if first then
        local verdict, at, base, taken, p, l, b, paid = unpack('<dddddddd', first)
        if paid ~= cost then return pack('<dd', -2, now) end
        return pack('<ddddddd', verdict + 10, at, base, taken, p, l, b)
    end
end

-- a / b for whole numbers, rounded down; a % b alone loses digits when a is large
local function divide(a, b)
    local rest = math.fmod(a, b)
    if rest < 0 then rest = rest + b end
    return (a - rest) / b, rest
end

-- the time of that many cells, rounded up
local function time_of(cells, p, l)
    local time = cells * p
    -- below 2^53 the quotient of whole numbers never rounds to the next one
    if time < 9007199254740992 and time > -9007199254740992 then return ceil(time / l) end
    local whole, part = divide(p, l)
    local quotient, rest = divide(cells * part, l)
    return cells * whole + quotient + (rest > 0 and 1 or 0)
end

-- whole cells in a time, rounded down: close by division, then exact
local function cells_in(time, p, l)
    local cells = math.floor(time / (p / l))
    while time_of(cells + 1, p, l) <= time do cells = cells + 1 end
    while time_of(cells, p, l) > time do cells = cells - 1 end
    return cells
end

local base, taken, returned, generation = now, 0, 0, now % 4294967296
local moved, binding, written = false, false, false
local stored_base, stored_taken, stored_version
local stored = redis.call('GET', KEYS[1])
if stored then
    local p, v, l, b
    base, p, v, taken, l, b, returned, generation = unpack('<dddI4I4I4I4I4', stored)
    stored_base, stored_taken, stored_version = base, taken, v
    local newer = version > v
    if v > version then
        period, limit, burst, version = p, l, b, v
    elseif p ~= period or l ~= limit then
        -- more than its burst is owed only after the clock stepped back
        local owed = math.min(base + time_of(taken, p, l) - now, time_of(b, p, l))
        base, taken = now, 0
        if owed > 0 then
            moved = true
            taken = cells_in(owed, p, l)
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

-- a cell as it counts at `at`: empty ones begin there, whole periods move into the base
local function begin(b, t, at)
    if time_of(t, period, limit) <= at - b then return at, 0 end
    if t < limit then return b, t end
    local periods = divide(t, limit)
    return b + periods * period, t - periods * limit
end

if time_of(taken - burst, period, limit) > now - base then
    base, taken, returned, generation, moved = now, burst, 0, now % 4294967296, true
else
    base, taken = begin(base, taken, now)
end

local crowd, wanted, refund, settled, span, alone, leased = 0, 0, 0, 0, 0, 0, 0
local size = #ARGV[1]
if size > 48 then
    crowd, wanted, refund = unpack('<ddd', ARGV[1], 49)
    span = math.min(50000, math.floor(time_of(burst, period, limit) / 4))

    if size > 72 and stored then
        local b, t, after_base, after_taken, r, g, granted, unspent, v = unpack('<ddddddddd', ARGV[1], 73)
        local since = (returned - r) % 4294967296
        if v ~= stored_version or v ~= version or g ~= generation then
            -- of another budget: nothing of it is here
        elseif stored_base == after_base and stored_taken == after_taken and since == 0 then
            alone = 1
            if time_of(t - burst, period, limit) > now - b then
                b, t = now, burst
            else
                b, t = begin(b, t, now)
            end
            t = t + granted - unspent
            if time_of(t - taken, period, limit) <= base - b then
                local back = taken - t - cells_in(b - base, period, limit)
                base, taken, returned, settled, written = b, t, returned + back, unspent, back > 0
            end
        else
            local ahead = after_taken + cells_in(after_base - now - span, period, limit)
            settled = math.max(0, math.min(unspent, ahead - since))
            taken, returned = taken - settled, returned + settled
            written = settled > 0
        end
    end

    if refund > 0 then
        -- a cell that is refilling already can still be given back, what is left of it
        refund = math.max(0, math.min(refund, taken - cells_in(now - base, period, limit)))
        taken, returned = taken - refund, returned + refund
        written = written or refund > 0
    end
    if taken < 0 then
        local periods = divide(taken, limit)
        base, taken = base + periods * period, taken - periods * limit
    end
    base, taken = begin(base, taken, now)
    returned = returned % 4294967296
end

local before_base, before_taken = base, taken
local cells = 0
if wanted > cost and alone == 1 then
    local b, t = begin(base, taken, now + span)
    wanted = math.min(wanted, cells_in(span, period, limit), burst - t + cells_in(now - b, period, limit))
    if wanted > cost then base, taken, cells, leased = b, t + wanted, wanted, 1 end
end
if cells == 0 and crowd > cost then
    crowd = math.min(crowd, burst - taken + cells_in(now - base, period, limit))
    if crowd > cost then taken, cells = taken + crowd, crowd end
end
local granted = cells > 0
if not granted then
    granted = time_of(taken + cost - burst, period, limit) <= now - base
    cells = granted and cost or 0
    taken = taken + cells
end
if cells > 0 or written or (moved and binding) then
    local empty = math.max(base + time_of(taken, period, limit), now + 100000)
    redis.call('SET', KEYS[1],
               pack('<dddI4I4I4I4I4', base, period, version, taken, limit, burst, returned, generation),
               'PXAT', string.format('%d', ceil(empty / 1000) + 1))
end

local verdict = granted and 1 or 0
if KEYS[2] then
    redis.call('SET', KEYS[2], pack('<dddddddd', verdict, now, base, taken, period, limit, burst, cost), 'PX', 300000)
end
if size == 48 then return pack('<ddddddd', verdict, now, base, taken, period, limit, burst) end
return pack('<ddddddddddddddddd', verdict, now, base, taken, period, limit, burst, version, returned, generation,
            before_base, before_taken, cells, refund, settled, alone, leased)
