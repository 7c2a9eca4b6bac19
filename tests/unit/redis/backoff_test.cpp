#include "common/redis/backoff.hpp"

#include <catch2/catch.hpp>

using shoal::redis::backoff;
using namespace std::chrono_literals;

TEST_CASE("backoff: pauses are drawn below a ceiling that doubles up to the most", "[redis]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    for (std::uint64_t run = 0; run < 200; ++run) {
        backoff pauses{20ms, 1000ms, seed + run};
        auto ceiling = 20ms;
        for (int attempt = 0; attempt < 12; ++attempt) {
            const auto pause = pauses.next();
            CHECK(pause >= 2ms);
            CHECK(pause <= ceiling);
            ceiling = std::min<std::chrono::milliseconds>(ceiling * 2, 1000ms);
        }
    }
}

TEST_CASE("backoff: the jitter is full and two clients do not pause alike", "[redis]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    backoff one{100ms, 100ms, seed};
    backoff other{100ms, 100ms, seed + 1};
    auto least = 1000ms + 0us;
    auto most = 0us;
    bool differ = false;
    for (int i = 0; i < 1000; ++i) {
        const auto pause = one.next();
        least = std::min(least, pause);
        most = std::max(most, pause);
        differ = differ || pause != other.next();
    }
    CHECK(least < 20ms);
    CHECK(most > 90ms);
    CHECK(differ);
}

TEST_CASE("backoff: after a success it begins anew", "[redis]")
{
    backoff pauses{10ms, 10s, 1};
    for (int i = 0; i < 20; ++i) static_cast<void>(pauses.next());
    pauses.reset();
    CHECK(pauses.next() <= 10ms);
}
