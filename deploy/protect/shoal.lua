-- Asks a fleet of Shoal whether a request may pass, for HAProxy 2.6 and later:
--
--     http-request set-var(txn.shoal_key) src
--     http-request lua.shoal-check RULE
--
-- sets txn.shoal_verdict to "allowed", "refused" or "unknown" (the fleet could not be asked, or did not know the
-- rule), and for a refusal txn.shoal_retry_after in seconds. It writes nothing of its own into the answer.

-- The listener of haproxy.cfg that leads to the fleet.
local FLEET = "http://127.0.0.1:8001"
local TIMEOUT_MS = 1000

local function percent_encoded(text)
    return (text:gsub("[^%w._~-]", function(one) return string.format("%%%02X", one:byte()) end))
end

local function first(headers, name)
    return headers and headers[name] and headers[name][0]
end

core.register_action("shoal-check", {"http-req"}, function(txn, rule)
    local key = txn:get_var("txn.shoal_key")
    if key == nil then
        txn:set_var("txn.shoal_verdict", "unknown")
        return
    end
    local url = FLEET .. "/v1/check?rule=" .. percent_encoded(rule) .. "&key=" .. percent_encoded(tostring(key))
    local answer = core.httpclient():get{url = url, timeout = TIMEOUT_MS}
    local verdict = "unknown"
    if answer and answer.status == 204 then
        verdict = "allowed"
    elseif answer and answer.status == 403 then
        verdict = "refused"
        txn:set_var("txn.shoal_retry_after", first(answer.headers, "retry-after") or "1")
    else
        core.Warning("shoal-check: " .. url .. " answers " .. tostring(answer and answer.status))
    end
    txn:set_var("txn.shoal_verdict", verdict)
end, 1)
