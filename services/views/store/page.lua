-- A part of a sorted set, by score and then by the bytes of the member, as Redis orders it.
--
-- ARGV[2..7]  how many at most; least and most score, or ''; 'asc' or 'desc'; score and member of the cursor, the
--             score '' without one

-- Lua's own order of strings is that of the server's locale.
local function before(one, other)
    for at = 1, math.min(#one, #other) do
        local a, b = string.byte(one, at), string.byte(other, at)
        if a ~= b then return a < b end
    end
    return #one < #other
end

-- How many stand before the cursor, with those that stand at it. It is looked for among those of its score: it may be
-- gone by now.
local function rank(key, score, member, with_it)
    local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
    local high = redis.call('ZCOUNT', key, '-inf', score)
    while low < high do
        local middle = math.floor((low + high) / 2)
        local there = redis.call('ZRANGE', key, middle, middle)[1]
        if before(there, member) or (with_it and there == member) then low = middle + 1 else high = middle end
    end
    return low
end

-- {members and scores, 1 when there are others behind them}, always ascending
local function page(key)
    local limit, least, most, down = tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5] == 'desc'
    local low = least == '' and 0 or redis.call('ZCOUNT', key, '-inf', '(' .. least)
    local high = most == '' and redis.call('ZCARD', key) or redis.call('ZCOUNT', key, '-inf', most)
    if ARGV[6] ~= '' and down then high = math.min(high, rank(key, ARGV[6], ARGV[7], false)) end
    if ARGV[6] ~= '' and not down then low = math.max(low, rank(key, ARGV[6], ARGV[7], true)) end
    if low >= high then return {{}, 0} end
    local more = high - low > limit
    if more and down then low = high - limit elseif more then high = low + limit end
    return {redis.call('ZRANGE', key, low, high - 1, 'WITHSCORES'), more and 1 or 0}
end

