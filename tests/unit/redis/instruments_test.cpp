#include "common/redis/instruments.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

TEST_CASE("once_a_second: one event a second passes and says how many did not", "[redis]")
{
    constexpr shoal::boot_time start{5s};
    shoal::redis::once_a_second limit;
    CHECK(limit.admit(start) == 0);
    CHECK_FALSE(limit.admit(start));
    CHECK_FALSE(limit.admit(start + 999ms));
    CHECK(limit.admit(start + 1s) == 2);
    CHECK(limit.admit(start + 3s) == 0);
}
