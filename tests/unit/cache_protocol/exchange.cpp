#include "tests/unit/cache_protocol/exchange.hpp"

#include <map>

namespace shoal::cache::protocol::test {

std::string_view date(std::int64_t offset)
{
    static std::map<std::int64_t, date_text> made;
    return made.try_emplace(offset, format_http_date(noon + std::chrono::seconds{offset})).first->second.view();
}

request_view get(const field_list& fields)
{
    return read_request("GET", fields);
}

request_view get()
{
    return read_request("GET", {});
}

storing decide(const field_list& fields, unsigned status, const site_policy& site)
{
    return decide_storing(get(), status, fields, site, {.received = noon, .delay = 0});
}

storing decide_for(const field_list& request, const field_list& fields, const site_policy& site)
{
    return decide_storing(get(request), 200, fields, site, {.received = noon, .delay = 0});
}

reuse ask_after(std::int64_t seconds, const field_list& fields, unsigned status, const site_policy& site)
{
    const storing decided = decide(fields, status, site);
    if (!decided.allowed) return reuse::validate;
    return judge({.use = decided.use, .age = decided.use.initial_age + seconds});
}

bool is_reused(const field_list& fields, unsigned status, const site_policy& site)
{
    return ask_after(3, fields, status, site) == reuse::fresh;
}

}  // namespace shoal::cache::protocol::test
