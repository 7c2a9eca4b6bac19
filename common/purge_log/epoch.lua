-- What every script of the purge log begins with: the four keys, and the epoch.
--
-- KEYS[1]  the head: epoch, sequence of the last entry, run of the server that it was written under
-- KEYS[2]  the log: a stream whose ids are the sequences
-- KEYS[3]  the table: for each bucket 4 bytes with the last hard purge and 4 with the last soft one
-- KEYS[4]  the members: incarnation -> "epoch sequence renewals name"
-- All have one hash tag, {cache}, so one slot.
--
-- An epoch is a time in microseconds, below 2^53. A new one begins when the server is another run, or was promoted, or
-- lost a key, or the caller knew a newer epoch than this server does: then writes may be gone. What was cached before
-- is void, so log and table start empty. Members stay: what they report is of their own epoch.
-- After a step back of the clock epochs are only counted up, and one that was lost could be counted again: digits of
-- the run keep them apart.

local head_key, log_key, table_key, members_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- plain searches: a pattern takes longer than all the rest
local function identity(info, name)
    local _, last = string.find(info, name, 1, true)
    return string.sub(info, last + 1, last + 40)
end

local function current_head(known)
    local info = redis.call('INFO', 'server', 'replication')
    local run = identity(info, 'run_id:') .. identity(info, 'master_replid:')
    local stored = redis.call('HMGET', head_key, 'epoch', 'sequence', 'run')
    local epoch, sequence = tonumber(stored[1] or 0), tonumber(stored[2] or 0)
    local whole = sequence == 0 or redis.call('EXISTS', log_key, table_key) == 2
    if stored[3] == run and known <= epoch and whole and sequence < 4294967295 then return epoch, sequence end

    local clock = redis.call('TIME')
    epoch = math.max(clock[1] * 1000000 + clock[2], epoch + 1, known + 1) + tonumber(string.sub(run, 1, 5), 16)
    redis.call('DEL', log_key, table_key)
    redis.call('HSET', head_key, 'epoch', string.format('%.0f', epoch), 'sequence', 0, 'run', run)
    return epoch, 0
end

