// What every hit goes through allocates nothing.

#include <string>

#include <catch2/catch.hpp>

#include "services/cache/protocol/cache_status.hpp"
#include "services/cache/protocol/conditional.hpp"
#include "services/cache/protocol/policy.hpp"
#include "tests/support/counted_allocations.hpp"
#include "tests/unit/cache_protocol/exchange.hpp"

using namespace shoal::cache;
using namespace shoal::cache::protocol;
using namespace shoal::cache::protocol::test;

TEST_CASE("hit: reading a request, judging what is stored and saying so take no memory", "[cache_protocol]")
{
    const field_list request{{"Host", "shop.example"},
                             {"User-Agent", "a browser (with, commas)"},
                             {"Cache-Control", "max-age=0, foo=\"bar, baz\""},
                             {"If-None-Match", "\"b\", \"a\""},
                             {"Cookie", "session=1"}};
    const lifetime use{.fresh_for = 60};
    const std::size_t before = shoal::test::allocations();
    const request_view asked = read_request("GET", request);
    const reuse answer = judge({.use = use, .age = 5});
    const bool good = not_modified(asked, {.etag = "\"a\""}, noon);
    const cache_status_line said{{.hit = true, .ttl = 55}};
    const age_line age{5};
    const std::size_t after = shoal::test::allocations();
    CHECK(after == before);
    CHECK(answer == reuse::fresh);
    CHECK(good);
    CHECK(said.view() == "Cache-Status: shoal; hit; ttl=55\r\n");
    CHECK(age.view() == "Age: 5\r\n");
}
