-- The directory.
--
-- KEYS     those of open.lua, which this is appended to
-- ARGV[1]  newest epoch that the caller knows
-- Reply    {epoch, 1 when a relay is attached under it, {name, its line, how many entries, ...}}

local attached = redis.call('HGET', KEYS[5], 'epoch') == epoch_text
local lines, found = redis.call('HGETALL', KEYS[6]), {}
for at = 1, #lines, 2 do
    local generation = string.match(lines[at + 1], '^%S+ (%S+)') or ''
    found[#found + 1] = lines[at]
    found[#found + 1] = lines[at + 1]
    found[#found + 1] = redis.call('SCARD', '{cache}:view:' .. lines[at] .. ':' .. generation)
end
return {epoch, attached and 1 or 0, found}
