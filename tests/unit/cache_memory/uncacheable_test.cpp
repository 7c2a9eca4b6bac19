#include "services/cache/memory/uncacheable.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>

using namespace shoal;
using namespace std::chrono_literals;

TEST_CASE("uncacheable: a mark holds until its time", "[cache]")
{
    cache::uncacheable marks{10, 1};
    CHECK_FALSE(marks.marked("/a", boot_time{1s}));
    marks.mark("/a", boot_time{10s});
    CHECK(marks.marked("/a", boot_time{9s}));
    CHECK_FALSE(marks.marked("/a", boot_time{10s}));
    CHECK_FALSE(marks.marked("/b", boot_time{9s}));
    marks.mark("/a", boot_time{20s});
    CHECK(marks.marked("/a", boot_time{19s}));
    marks.unmark("/a");
    CHECK_FALSE(marks.marked("/a", boot_time{1s}));
}

TEST_CASE("uncacheable: the newest marks are kept, as many as it may have", "[cache]")
{
    cache::uncacheable marks{10, 1};
    for (int i = 0; i < 1'000; ++i) marks.mark("/" + std::to_string(i), boot_time{10s});
    CHECK(marks.size() == 10);
    CHECK(marks.marked("/999", boot_time{1s}));
    CHECK(marks.marked("/990", boot_time{1s}));
    CHECK_FALSE(marks.marked("/989", boot_time{1s}));

    // One that is marked again and again does not crowd out itself.
    for (int i = 0; i < 100; ++i) marks.mark("/again", boot_time{std::chrono::seconds{100 + i}});
    CHECK(marks.marked("/again", boot_time{150s}));
    CHECK(marks.size() <= 10);
}
