// What counts for a site that relies on a relay.

#include <vector>

#include <catch2/catch.hpp>

#include "common/coherence/log_follower.hpp"
#include "services/cache/coherence.hpp"

using namespace shoal;
using namespace shoal::cache;
using namespace std::chrono_literals;

TEST_CASE("site view: where a site relies on a relay, a lease without a young word of it is none", "[cache]")
{
    constexpr boot_time start{1h};
    coherence::log_follower log{{.lasts = 10s, .margin = 20ms}, 4};
    log.begin_join({start, start, {7, 4}});
    REQUIRE(log.end_join());
    const site_view relying{log, 500ms};
    const site_view other{log, std::nullopt};
    CHECK(log.renewed({start, start, {7, 4}}, {}) == coherence::log_follower::next::wait);
    CHECK(other.current(start));
    CHECK_FALSE(relying.current(start));

    CHECK(log.renewed({start, start, {7, 4}, {.age = 100ms}}, {}) == coherence::log_follower::next::wait);
    CHECK(relying.current(start));
    CHECK(relying.current(start + 399ms));
    CHECK_FALSE(relying.current(start + 400ms));
    CHECK(other.current(start + 400ms));
    // A word without a lease is nothing either.
    CHECK_FALSE(relying.current(start + 10s));
    CHECK(relying.position() == log.position());

    CHECK_FALSE(other.without_lease().current(start));
    CHECK(other.current(start));
}
