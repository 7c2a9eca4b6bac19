-- What sets have in common, in the order and with the scores of the first.
--
-- KEYS        those of open.lua, which this is appended to, after page.lua
-- ARGV[1]     newest epoch that the caller knows
-- ARGV[2..7]  of page.lua
-- ARGV[8]     how many members the smallest of them may have
-- ARGV[9..]   pairs of a view and the text of a key
-- Reply       as that of read.lua, of one entry; 'kind' as well where one is no set, 'filling' where one may only be
--             missing, 'many' where the smallest is too large

local scratch = '{cache}:views:intersection'
local keys, kind, smallest, missing = {}, '', math.huge, nil
for at = 9, #ARGV, 2 do
    local view, why = open(ARGV[at])
    if not view then return nothing(why, ARGV[at]) end
    if view.kind ~= 'set' and view.kind ~= 'sorted_set' then return nothing('kind', ARGV[at]) end
    local key = view.prefix .. ARGV[at + 1]
    local size = redis.call('ZCARD', key)
    if size == 0 and view.state ~= 'ready' then return nothing('filling', ARGV[at]) end
    if size == 0 then missing = missing or at end
    if at == 9 then kind = view.kind end
    smallest = math.min(smallest, size)
    keys[#keys + 1] = key
end
if missing == 9 then return {epoch, 'found', kind, 'ready', {false}} end
if missing then return {epoch, 'found', kind, 'ready', {{{}, 0}}} end
if smallest > tonumber(ARGV[8]) then return nothing('many', ARGV[9]) end

-- The weights come last: of an infinite score even none is not a number, which Redis counts as 0 for the sum.
local arguments = {scratch, #keys}
for _, key in ipairs(keys) do arguments[#arguments + 1] = key end
arguments[#arguments + 1] = 'WEIGHTS'
for at = 1, #keys do arguments[#arguments + 1] = 0 end
redis.call('ZINTERSTORE', unpack(arguments))
redis.call('ZINTERSTORE', scratch, 2, keys[1], scratch)
local part = page(scratch)
redis.call('DEL', scratch)
return {epoch, 'found', kind, 'ready', {part}}
