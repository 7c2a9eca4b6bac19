// The request of a variant asks for that variant again.

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "services/cache/audit/request_fields.hpp"
#include "services/cache/protocol/vary.hpp"

using namespace shoal::cache;

namespace {

std::string again(const std::string& vary, const std::string& variant)
{
    const auto named = request_fields(vary, variant);
    std::vector<field_view> fields;
    for (const auto& [name, value] : named) fields.push_back({name, value});
    return protocol::variant_key(fields, vary);
}

}  // namespace

TEST_CASE("request fields: what is asked for again is the same variant", "[cache]")
{
    const std::string vary{"accept-encoding,accept-language,x-device"};
    const std::vector<std::vector<field_view>> requests{
        {},
        {{"X-Device", ""}},
        {{"X-Device", "phone, small"}, {"Accept-Encoding", "gzip;q=0.5, BR"}},
        {{"Accept-Language", "de, en;q=0.25, fr;q=0.05"}, {"Accept-Encoding", ""}},
    };
    for (const auto& fields : requests) {
        const auto variant = protocol::variant_key(fields, vary);
        REQUIRE(again(vary, variant) == variant);
    }
    REQUIRE(again("", "").empty());
}

TEST_CASE("request fields: what no variant is matches none", "[cache]")
{
    REQUIRE(request_fields("a,b", "").empty());
    REQUIRE(request_fields("a", "value without its mark\n").empty());
    REQUIRE(request_fields("", "\x01value\n").empty());
}
