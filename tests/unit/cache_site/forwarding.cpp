#include "tests/unit/cache_site/forwarding.hpp"

#include "common/core/ascii.hpp"
#include "services/cache/protocol/fields.hpp"
#include "services/cache/site/key.hpp"
#include "tests/unit/cache_site/samples.hpp"

namespace shoal::cache::test {

std::string head_of(const settings& by, const client& asks)
{
    const auto& to = by.sites.all().front();
    const auto [key, rule] = key_of(to, asks.target, asks.host, asks.over);
    const outgoing_fields fields{asks.method, asks.fields, *rule, asks.shared};
    return forward_head({.method = asks.method,
                         .target = asks.shared ? target_of(key) : std::string_view{asks.target},
                         .host = host_of(key),
                         .over = asks.over,
                         .received = asks.fields,
                         .fields = fields.view(),
                         .replace = {},
                         .drop = {}},
                        to);
}

lines values_of(std::string_view head, std::string_view name)
{
    lines values;
    for (const auto& field : protocol::lines_of(head))
        if (iequals(field.name, name)) values.emplace_back(field.value);
    return values;
}

}  // namespace shoal::cache::test
