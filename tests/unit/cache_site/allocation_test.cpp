// What the key of a request allocates.

#include <catch2/catch.hpp>

#include "services/cache/site/key.hpp"
#include "tests/support/counted_allocations.hpp"
#include "tests/unit/cache_site/samples.hpp"

using namespace shoal::cache;
using namespace shoal::cache::test;

TEST_CASE("allocations: from Host to key there are none, once the key's memory is there", "[cache]")
{
    const auto made = one_site(R"("rules":[{"path":"/static/*"},{"path":"/search",
        "query":{"sort":true,"drop":["utm_*"]}}])");
    std::string key;
    key.reserve(512);
    const auto* const target =
        GENERATE("/static/css/site.css?v=12", "/%73earch?q=caf%c3%a9&page=2&utm_source=x&a=1", "/a//b;c?d");
    const auto before = shoal::test::allocations();
    const auto host = host_name::parse("Shop.Example:8000", scheme::http);
    const auto* const at = made.sites.of_host(host->name());
    const auto& by = make_key(key, *at, scheme::http, *host, target);
    const auto counted = shoal::test::allocations() - before;
    CAPTURE(key, by.path.pattern());
    REQUIRE(key.starts_with("http://shop.example:8000/"));
    REQUIRE(counted == 0);
}
