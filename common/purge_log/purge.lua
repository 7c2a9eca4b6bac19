-- Purges any number of tags under one sequence.
--
-- KEYS     those of epoch.lua, which this is appended to
-- ARGV     newest epoch that the caller knows; buckets purged hard, and softly: 4 bytes each, the highest first;
--          how many entries the log keeps
-- An entry names its time, in microseconds of this server's clock, and who wrote it: a relay, which has a fifth key, or
-- who was asked for a purge. That is for operators; it has no tags' texts, which all workers would be sent.
-- Reply    {epoch, sequence, {incarnation, report, ...}} of all members

local epoch, sequence = current_head(tonumber(ARGV[1]))
sequence = sequence + 1
redis.call('HSET', head_key, 'sequence', string.format('%.0f', sequence))

local written = struct.pack('>I4', sequence)
local function raise(buckets, part)
    for at = 1, #buckets, 4 do
        redis.call('SETRANGE', table_key, struct.unpack('>I4', buckets, at) * 8 + part, written)
    end
end
raise(ARGV[2], 0)
raise(ARGV[3], 4)
local clock = redis.call('TIME')
redis.call('XADD', log_key, 'MAXLEN', '~', ARGV[4], string.format('%.0f-0', sequence), 'epoch',
           string.format('%.0f', epoch), 'hard', ARGV[2], 'soft', ARGV[3],
           'at', string.format('%.0f', clock[1] * 1000000 + clock[2]), 'by', KEYS[5] and 'relay' or 'api')
return {epoch, sequence, redis.call('HGETALL', members_key)}
