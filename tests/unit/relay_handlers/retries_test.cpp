#include "services/relay/handlers/retries.hpp"

#include <catch2/catch.hpp>

using namespace shoal::relay;
using namespace std::chrono_literals;

TEST_CASE("retries: each pause is about twice the one before, up to 5 s, until one succeeds", "[relay]")
{
    const auto seed = GENERATE(take(20, random(1U, 1'000'000U)));
    CAPTURE(seed);
    retries of{seed};
    auto most = 250ms;
    for (int i = 0; i < 8; ++i) {
        const auto pause = of.next();
        CHECK(pause >= most / 2);
        CHECK(pause <= most);
        most = std::min(2 * most, std::chrono::milliseconds{5s});
    }
    of.reset();
    CHECK(of.next() <= 250ms);
}

TEST_CASE("retries: two that fail together come apart", "[relay]")
{
    retries one{1};
    retries other{2};
    for (int i = 0; i < 5; ++i) {
        (void)one.next();
        (void)other.next();
    }
    CHECK(one.next() != other.next());
}
