#include "services/limiter/slot_request.hpp"

#include <algorithm>

#include "services/limiter/body.hpp"

namespace shoal::limiter {

parsed<std::int64_t> read_ttl_ms(std::string_view query, std::string_view body, std::int64_t most_ms)
{
    if (!query.empty()) return refusal{400, R"(slots take no query; the ttl is in the body, as {"ttl_ms":30000})"};
    const auto json = read_object(body, R"({"ttl_ms":30000})");
    if (json.has_error()) return json.error();
    std::int64_t ttl_ms = std::min(usual_ttl_ms, most_ms);
    for (const auto& [name, value] : json->items()) {
        if (name != "ttl_ms") return refusal{400, R"(unknown member in the body; the only one is "ttl_ms")"};
        const auto asked = whole_number(value);
        if (!asked || *asked < 1) return refusal{400, "ttl_ms must be a whole number of at least 1"};
        ttl_ms = *asked;
    }
    if (ttl_ms > most_ms)
        return refusal{422, "ttl_ms is above the rule's maximum of " + std::to_string(most_ms) +
                                "; ask for less, and renew the slot before it has passed"};
    return ttl_ms;
}

bool is_slot_id(std::string_view text) noexcept
{
    return text.size() == 32 &&
           std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace shoal::limiter
