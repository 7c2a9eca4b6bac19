-- Writes entries and states of views, and purges their tags: all of it is there at once, for whoever reads in one script.
-- After it comes the purge log's purge.lua.
--
-- KEYS     those of the purge log's epoch.lua, and the relay's, after fence.lua; the other keys that are written have
--          the same hash tag, so it is one slot
-- ARGV     newest epoch that the caller knows; buckets purged hard; nothing; how many entries the log keeps; position
--          up to which everything is in the views, or nothing; then five for each operation:
--            document, hash, members of, staged, none:  the entry's key, its index, its KEY, its body
--            members:                                   the same; pairs without a score are removed
--            view:     name, its entry of the directory, generation to be deleted, digest of its definition
--            removed:  name, nothing, generation to be deleted, nothing
-- Reply    that of purge.lua; {0} where the log's epoch is not the one that the relay attached under

local directory, generations, digests, old = '{cache}:views', '{cache}:views:generations', '{cache}:views:digests',
                                             '{cache}:views:old'
local known_epoch = current_head(tonumber(ARGV[1]))
if redis.call('HGET', KEYS[5], 'epoch') ~= string.format('%.0f', known_epoch) then return { 0 } end

-- Lua's stack has room for some thousand arguments.
local function in_parts(command, key, texts)
    for from = 1, #texts, 1000 do
        redis.call(command, key, unpack(texts, from, math.min(from + 999, #texts)))
    end
end

local function unpacked(body)
    local texts, at = {}, 1
    while at <= #body do
        texts[#texts + 1], at = struct.unpack('>I4c0', body, at)
    end
    return texts
end

local function change_members(key, body)
    local texts, added, removed = unpacked(body), {}, {}
    for at = 1, #texts, 2 do
        if texts[at] == '' then
            removed[#removed + 1] = texts[at + 1]
        else
            added[#added + 1] = texts[at]
            added[#added + 1] = texts[at + 1]
        end
    end
    in_parts('ZADD', key, added)
    in_parts('ZREM', key, removed)
end

local write = {
    ['none'] = function(key) redis.call('UNLINK', key) end,
    ['document'] = function(key, body) redis.call('SET', key, body) end,
    ['hash'] = function(key, body) redis.call('UNLINK', key) in_parts('HSET', key, unpacked(body)) end,
    ['members of'] = function(key, body) redis.call('UNLINK', key) in_parts('ZADD', key, unpacked(body)) end,
    ['members'] = change_members,
    ['staged'] = function(key, from)
        redis.call('UNLINK', key)
        redis.call('RENAME', from, key)
        redis.call('PERSIST', key)
    end,
}

local function drop(generation)
    if generation ~= '' then redis.call('SADD', old, generation) end
end

for at = 6, #ARGV - 1, 5 do
    local what, key, index, name, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
    if what == 'view' then
        redis.call('HSET', directory, key, index)
        redis.call('HSET', generations, key, string.match(index, ' (%d+) '))
        redis.call('HSET', digests, key, body)
        drop(name)
    elseif what == 'removed' then
        redis.call('HDEL', directory, key)
        redis.call('HDEL', digests, key)
        drop(name)
    else
        write[what](key, body)
        redis.call(redis.call('EXISTS', key) == 1 and 'SADD' or 'SREM', index, name)
    end
end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[5], 'viewed', ARGV[5]) end
