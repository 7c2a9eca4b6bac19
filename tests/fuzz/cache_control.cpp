// Cache-Control: whatever else a response says, and however wrong, `private` and `no-store` hold; and a request or a
// response that can't be read makes nothing fresher.

#include <cstdint>
#include <string>
#include <vector>

#include "services/cache/protocol/policy.hpp"
#include "tests/fuzz/message_fields.hpp"

namespace {

using namespace shoal::cache;
using namespace shoal::cache::protocol;
using shoal::fuzz::expect;

constexpr exchange_times times{.received = std::chrono::sys_seconds{std::chrono::seconds{1'795'348'800}}, .delay = 1};
constexpr std::int64_t longest = std::int64_t{1} << 31U;

bool is_within(const std::optional<std::int64_t>& seconds)
{
    return !seconds || (*seconds >= 0 && *seconds <= longest);
}

void check_directives(const response_directives& of)
{
    expect(is_within(of.max_age) && is_within(of.s_maxage));
    expect(is_within(of.stale_while_revalidate) && is_within(of.stale_if_error));
    for (const auto& name : of.withheld) expect(!name.empty() && name == lower(name));
}

storing decide(const std::vector<field_view>& fields, const site_policy& site)
{
    return decide_storing(read_request("GET", {}), 200, fields, site, times);
}

/// On a line of its own, and behind what the last line has.
void check_forbidding(std::vector<field_view> fields, std::string_view directive)
{
    const site_policy site{.default_ttl = 60, .targets = {}};
    std::vector<field_view> longer = fields;
    fields.push_back({"Cache-Control", directive});
    expect(!decide(fields, site).allowed);

    std::string together;
    for (auto& field : longer) {
        if (field.name != "Cache-Control") continue;
        together = std::string{field.value} + ", " + std::string{directive};
        field.value = together;
        expect(!decide(longer, site).allowed);
        return;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::vector<field_view> fields = shoal::fuzz::fields_of(shoal::fuzz::text_of(data, size));
    const auto said = read_response_directives(fields);
    check_directives(said);
    if (const auto targeted = read_targeted_directives(fields, "cdn-cache-control")) check_directives(*targeted);

    const auto asked = read_request_directives(fields);
    expect(is_within(asked.max_age) && is_within(asked.min_fresh) && is_within(asked.max_stale));

    const auto decided = decide(fields, {});
    expect(decided.allowed == decided.reason.empty());
    expect(decided.use.initial_age >= 0 && decided.use.fresh_for >= 0);
    check_forbidding(fields, "private");
    if (!said.must_understand) check_forbidding(fields, "no-store");
    return 0;
}
