#include "services/cache/protocol/policy.hpp"

#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/cache_protocol/exchange.hpp"

using namespace shoal::cache;
using namespace shoal::cache::protocol;
using namespace shoal::cache::protocol::test;

namespace {

reuse after_failure(std::int64_t seconds, const field_list& fields, const site_policy& site = {})
{
    const auto decided = decide(fields, 200, site);
    REQUIRE(decided.allowed);
    return judge({.use = decided.use, .age = seconds, .origin_failed = true});
}

}  // namespace

TEST_CASE("reuse: stale-while-revalidate, within its window (RFC 5861, 3)", "[cache_protocol]")
{
    const field_list fields{{"Cache-Control", "max-age=1, stale-while-revalidate=4"}, {"ETag", "\"abc\""}};
    CHECK(ask_after(0, fields) == reuse::fresh);
    CHECK(ask_after(1, fields) == reuse::stale_while_revalidating);
    CHECK(ask_after(4, fields) == reuse::stale_while_revalidating);
    CHECK(ask_after(5, fields) == reuse::validate);
}

TEST_CASE("reuse: stale-if-error, within its window (RFC 5861, 4)", "[cache_protocol]")
{
    const field_list fields{{"Cache-Control", "max-age=2, stale-if-error=60"}};
    CHECK(ask_after(3, fields) == reuse::validate);
    CHECK(after_failure(3, fields) == reuse::stale);
    CHECK(after_failure(61, fields) == reuse::stale);
    CHECK(after_failure(62, fields) == reuse::validate);
}

TEST_CASE("reuse: the site's word counts where the origin gives none", "[cache_protocol]")
{
    const site_policy site{.stale_while_revalidate = 5, .stale_if_error = 10};
    const field_list fields{{"Cache-Control", "max-age=2"}};
    CHECK(ask_after(3, fields, 200, site) == reuse::stale_while_revalidating);
    CHECK(after_failure(11, fields, site) == reuse::stale);
    CHECK(after_failure(3, fields) == reuse::validate);
    const field_list own{{"Cache-Control", "max-age=2, stale-while-revalidate=0, stale-if-error=0"}};
    CHECK(ask_after(3, own, 200, site) == reuse::validate);
    CHECK(after_failure(3, own, site) == reuse::validate);
    const field_list never_fresh{{"Cache-Control", "max-age=0"}, {"ETag", "\"a\""}};
    CHECK(after_failure(1, never_fresh, site) == reuse::validate);
}

TEST_CASE("reuse: nothing stale where the origin forbids it (RFC 9111, 4.2.4)", "[cache_protocol]")
{
    const site_policy site{.stale_while_revalidate = 50, .stale_if_error = 50};
    for (const auto* const forbids :
         {"max-age=2, must-revalidate", "max-age=2, proxy-revalidate", "max-age=2, s-maxage=2",
          "s-maxage=2, stale-if-error=60", "max-age=2, must-revalidate, stale-if-error=60"}) {
        CAPTURE(forbids);
        const field_list fields{{"Cache-Control", forbids}};
        CHECK(ask_after(1, fields, 200, site) == reuse::fresh);
        CHECK(ask_after(3, fields, 200, site) == reuse::validate);
        CHECK(after_failure(3, fields, site) == reuse::validate);
    }
    const field_list no_cache{{"Cache-Control", "max-age=2, no-cache"}, {"ETag", "\"a\""}};
    CHECK(ask_after(1, no_cache, 200, site) == reuse::validate);
    CHECK(after_failure(1, no_cache, site) == reuse::validate);
}

TEST_CASE("reuse: a soft purge makes stale, and no more", "[cache_protocol]")
{
    const lifetime revalidating{.fresh_for = 10, .stale_while_revalidate = 5, .stale_if_error = 20};
    CHECK(judge({.use = revalidating, .age = 1, .softly_purged = true}) == reuse::stale_while_revalidating);
    CHECK(judge({.use = revalidating, .age = 14, .softly_purged = true}) == reuse::stale_while_revalidating);
    CHECK(judge({.use = revalidating, .age = 15, .softly_purged = true}) == reuse::validate);
    CHECK(judge({.use = revalidating, .age = 15, .softly_purged = true, .origin_failed = true}) == reuse::stale);
    CHECK(judge({.use = revalidating, .age = 30, .softly_purged = true, .origin_failed = true}) == reuse::validate);
    const lifetime plain{.fresh_for = 10};
    CHECK(judge({.use = plain, .age = 1, .softly_purged = true}) == reuse::validate);
    const lifetime strict{.fresh_for = 10, .must_revalidate = true};
    CHECK(judge({.use = strict, .age = 1, .softly_purged = true, .origin_failed = true}) == reuse::validate);
}

TEST_CASE("reuse: what a client asks for", "[cache_protocol]")
{
    const lifetime use{.fresh_for = 100, .stale_if_error = 50};
    const auto ask = [&](std::int64_t age, const request_directives& wishes, bool failed = false) {
        return judge({.use = use, .age = age, .wishes = wishes, .origin_failed = failed});
    };
    CHECK(ask(10, {.no_cache = true}) == reuse::validate);
    CHECK(ask(10, {.no_cache = true}, true) == reuse::stale);
    CHECK(ask(10, {.max_age = 10}) == reuse::fresh);
    CHECK(ask(10, {.max_age = 9}) == reuse::validate);
    CHECK(ask(10, {.min_fresh = 90}) == reuse::fresh);
    CHECK(ask(10, {.min_fresh = 91}) == reuse::validate);
    CHECK(ask(110, {.max_stale = 10}) == reuse::stale);
    CHECK(ask(111, {.max_stale = 10}) == reuse::validate);
    CHECK(judge({.use = {.fresh_for = 100, .must_revalidate = true}, .age = 110, .wishes = {.max_stale = 10}}) ==
          reuse::validate);
}

TEST_CASE("reuse: never longer than the origin and the site allow, whatever comes together", "[cache_protocol]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto below = [&](int end) { return std::uniform_int_distribution<std::int64_t>{0, end - 1}(random); };
    for (int n = 0; n < 200'000; ++n) {
        reuse_question asked{.use = {.fresh_for = below(20),
                                     .stale_while_revalidate = below(10),
                                     .stale_if_error = below(10),
                                     .always_validate = below(8) == 0,
                                     .must_revalidate = below(4) == 0},
                             .age = below(60),
                             .softly_purged = below(3) == 0,
                             .origin_failed = below(3) == 0};
        if (below(4) == 0) asked.wishes.max_age = below(30);
        if (below(4) == 0) asked.wishes.min_fresh = below(30);
        if (below(4) == 0) asked.wishes.no_cache = true;
        const auto answer = judge(asked);
        const lifetime& use = asked.use;
        CAPTURE(n, asked.age, use.fresh_for, use.stale_while_revalidate, use.stale_if_error, use.must_revalidate,
                asked.softly_purged, asked.origin_failed);
        if (use.always_validate) REQUIRE(answer == reuse::validate);
        if (answer == reuse::fresh) REQUIRE((asked.age < use.fresh_for && !asked.softly_purged));
        if (answer == reuse::stale_while_revalidating) {
            REQUIRE(!use.must_revalidate);
            REQUIRE(asked.age < use.fresh_for + use.stale_while_revalidate);
        }
        if (answer == reuse::stale) {
            REQUIRE(asked.origin_failed);
            REQUIRE(asked.age < use.fresh_for + use.stale_if_error);
            REQUIRE((!use.must_revalidate || (asked.age < use.fresh_for && !asked.softly_purged)));
        }
    }
}

TEST_CASE("reuse: which statuses are an origin's failure", "[cache_protocol]")
{
    for (const unsigned status : {500U, 502U, 503U, 504U}) CHECK(is_failure(status));
    for (const unsigned status : {200U, 404U, 429U, 501U, 505U, 599U}) CHECK_FALSE(is_failure(status));
}
