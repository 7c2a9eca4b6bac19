-- Where the log ends: what a worker reads before it loads the table.
--
-- KEYS     those of epoch.lua, which this is appended to
-- ARGV[1]  newest epoch that the caller knows
-- Reply    {epoch, sequence}

local epoch, sequence = current_head(tonumber(ARGV[1]))
return {epoch, sequence}
