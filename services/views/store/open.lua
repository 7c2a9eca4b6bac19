-- What every script that reads views begins with, after epoch.lua of the purge log.
--
-- KEYS[5]  the relay: a hash; its epoch is the one under which a relay has attached, and it says how far the views are
--          (`viewed`) once it has noted which there are
-- KEYS[6]  the directory: name -> "KIND GENERATION STATE EPOCH"
-- The keys of entries have the generation in them, which only the script knows; they are in the same slot.
--
-- A view counts only under the log's epoch of now: what an epoch before this one knew may be gone.

local epoch = current_head(tonumber(ARGV[1]))
local epoch_text = string.format('%.0f', epoch)

-- The view, or nothing and the word that says why not.
local function open(name)
    if redis.call('HGET', KEYS[5], 'epoch') ~= epoch_text then return nil, 'unattended' end
    local entry = redis.call('HGET', KEYS[6], name)
    if not entry then return nil, redis.call('HEXISTS', KEYS[5], 'viewed') == 1 and 'unknown' or 'unattended' end
    local kind, generation, state, of = string.match(entry, '^(%S+) (%S+) (%S+) (%S+)$')
    if of ~= epoch_text then return nil, 'unattended' end
    if state == 'failed' then return nil, 'failed' end
    return {kind = kind, state = state, prefix = '{cache}:view:' .. name .. ':' .. generation .. ':'}
end

-- The reply where there is nothing to read.
local function nothing(why, name)
    return {epoch, why, '', '', why == 'unknown' and redis.call('HKEYS', KEYS[6]) or {}, name}
end

