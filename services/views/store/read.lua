-- Reads entries of one view, all in one moment.
--
-- KEYS        those of open.lua, which this is appended to, after page.lua
-- ARGV[1]     newest epoch that the caller knows
-- ARGV[2..7]  of page.lua
-- ARGV[8]     how many bytes at most
-- ARGV[9]     the view
-- ARGV[10..]  texts of keys
-- Reply       {epoch, 'found', kind, state, {entry, ...}}: the text of a document; fields and values of a hash; what
--             page.lua has of a set; nothing where there is none. {epoch, why, '', '', {}, view}: 'unattended',
--             'failed', 'large', 'unknown' with the names of those that there are

local function size_of(value)
    if type(value) ~= 'table' then return type(value) == 'string' and #value or 0 end
    local sum = 0
    for _, each in ipairs(value) do sum = sum + size_of(each) end
    return sum
end

local function read(kind, key)
    if kind == 'document' then return redis.call('GET', key) end
    if redis.call('EXISTS', key) == 0 then return false end
    if kind == 'hash' then return redis.call('HGETALL', key) end
    return page(key)
end

local view, why = open(ARGV[9])
if not view then return nothing(why, ARGV[9]) end
local left, found = tonumber(ARGV[8]), {}
for at = 10, #ARGV do
    local entry = read(view.kind, view.prefix .. ARGV[at])
    left = left - size_of(entry)
    if left < 0 then return nothing('large', ARGV[9]) end
    found[#found + 1] = entry
end
return {epoch, 'found', view.kind, view.state, found}
