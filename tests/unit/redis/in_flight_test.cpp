#include "common/redis/in_flight.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace shoal;
using namespace std::chrono_literals;
using redis::in_flight;
using redis::purpose;

namespace {

constexpr boot_time start{1000s};

redis::pending& add(in_flight& commands, boot_time sent, boot_time deadline)
{
    return commands.add(std::nullopt, sent, deadline, purpose::command);
}

}  // namespace

TEST_CASE("in_flight: commands expire by deadline, each once, and stay in flight", "[redis]")
{
    in_flight commands;
    auto& late = add(commands, start, start + 100ms);
    auto& early = add(commands, start + 1ms, start + 20ms);
    CHECK(commands.earliest_deadline() == start + 20ms);
    CHECK(commands.next_expired(start + 19ms) == nullptr);
    CHECK(commands.next_expired(start + 20ms) == &early);
    CHECK(commands.next_expired(start + 20ms) == nullptr);
    CHECK(commands.next_expired(start + 200ms) == &late);
    CHECK_FALSE(commands.earliest_deadline());
    CHECK(commands.size() == 2);
    CHECK(commands.oldest() == start);

    commands.remove(late);
    CHECK(commands.oldest() == start + 1ms);
    commands.remove(early);
    CHECK_FALSE(commands.oldest());
    CHECK(commands.size() == 0);
}

TEST_CASE("in_flight: an answered command does not expire and its slot is used again", "[redis]")
{
    in_flight commands;
    auto& first = add(commands, start, start + 10ms);
    commands.remove(first);
    CHECK(commands.next_expired(start + 1s) == nullptr);
    CHECK(&add(commands, start, start + 10ms) == &first);
}

TEST_CASE("in_flight: under any order of answers and deadlines nothing is lost", "[redis]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    in_flight commands;
    std::vector<redis::pending*> open;
    std::size_t expired = 0;
    auto now = start;
    for (int step = 0; step < 20'000; ++step) {
        now += std::chrono::microseconds{random() % 100};
        if (open.empty() || random() % 2 == 0) {
            open.push_back(&add(commands, now, now + std::chrono::microseconds{random() % 5000}));
        } else {
            const auto at = random() % open.size();
            commands.remove(*open[at]);
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
        }
        while (const auto* command = commands.next_expired(now)) {
            CHECK(command->deadline <= now);
            ++expired;
        }
        REQUIRE(commands.size() == open.size());
        if (const auto earliest = commands.earliest_deadline()) REQUIRE(*earliest > now);
        const auto oldest =
            std::min_element(open.begin(), open.end(), [](const auto* a, const auto* b) { return a->sent < b->sent; });
        REQUIRE(commands.oldest() == (open.empty() ? std::nullopt : std::optional{(*oldest)->sent}));
    }
    CHECK(expired > 100);
    for (auto* command : open) commands.remove(*command);
}
