-- Puts a large entry together in parts, under a key that nobody reads; views_write.lua then gives it its name.
--
-- KEYS     those of the purge log's epoch.lua, and the relay's, after fence.lua; the staged key is of the same slot
-- ARGV     newest epoch that the caller knows; the staged key; the kind of its view; the part
-- Reply    {epoch}

local epoch = current_head(tonumber(ARGV[1]))
local key, body = ARGV[2], ARGV[4]
if ARGV[3] == 'document' then
    redis.call('SET', key, body)
else
    local command, texts, at = ARGV[3] == 'hash' and 'HSET' or 'ZADD', {}, 1
    while at <= #body do
        texts[#texts + 1], at = struct.unpack('>I4c0', body, at)
    end
    for from = 1, #texts, 1000 do
        redis.call(command, key, unpack(texts, from, math.min(from + 999, #texts)))
    end
end
-- Of a relay that ends before it gives it a name.
redis.call('EXPIRE', key, 600)
return {epoch}
