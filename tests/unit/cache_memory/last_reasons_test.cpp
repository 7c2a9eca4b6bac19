#include "services/cache/memory/last_reasons.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using namespace shoal;
using namespace std::chrono_literals;

TEST_CASE("last reasons: the last one of a URL is known until it is forgotten", "[cache]")
{
    cache::last_reasons all{100, 1};
    CHECK_FALSE(all.of("/a"));
    all.note("/a", "cookie", boot_time{1s});
    all.note("/a", "private", boot_time{2s});
    REQUIRE(all.of("/a"));
    CHECK(all.of("/a")->reason == "private");
    CHECK(all.of("/a")->at == boot_time{2s});
    CHECK_FALSE(all.of("/b"));
    all.forget("/b");
    CHECK(all.of("/a"));
    all.forget("/a");
    CHECK_FALSE(all.of("/a"));
}

TEST_CASE("last reasons: who shares a place takes it, and is never taken for another", "[cache]")
{
    cache::last_reasons one{1, 1};
    one.note("/a", "cookie", boot_time{1s});
    CHECK_FALSE(one.of("/b"));
    one.forget("/b");
    CHECK(one.of("/a"));
    one.note("/b", "vary", boot_time{1s});
    CHECK_FALSE(one.of("/a"));
    CHECK(one.of("/b")->reason == "vary");
}
