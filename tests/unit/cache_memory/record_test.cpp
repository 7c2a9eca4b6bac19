#include "services/cache/memory/record.hpp"
#include "tests/unit/cache_memory/responses.hpp"

#include <catch2/catch.hpp>

#include <xxhash.h>

#include <chrono>

using namespace shoal;
using namespace shoal::cache;
using namespace std::chrono_literals;

namespace {

const wall_clock::time_point wall_now{1'700'000'000s};
const boot_time now{5'000'000s};

stored_parts a_fresh_response()
{
    auto parts = test::a_response("/a", 100);
    parts.wall_received = wall_now;
    parts.received = now;
    return parts;
}

/// With length and sum as its reader wants them.
std::string sealed(std::string record)
{
    const auto put = [&record](std::size_t at, std::uint64_t number) {
        for (std::size_t i = 0; i < 8; ++i) record[at + i] = static_cast<char>(number >> (56 - 8 * i) & 0xFFU);
    };
    put(40, record.size());
    put(48, XXH3_64bits_withSeed(record.data() + 56, record.size() - 56, XXH3_64bits(record.data(), 48)));
    return record;
}

}  // namespace

TEST_CASE("record: reads what was written", "[cache]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int i = 0; i < 300; ++i) {
        const auto written = stored::make(test::a_random_response(random));
        const auto read = decode(encode(*written), wall_now, now);
        REQUIRE(read != nullptr);
        test::require_equal(*read, *written);
    }
}

TEST_CASE("record: age goes on by the wall clock", "[cache]")
{
    auto parts = a_fresh_response();
    parts.use.initial_age = 7;
    const auto record = encode(*stored::make(parts));
    CHECK(decode(record, wall_now + 20s, now)->age(now) == 27);
    CHECK(decode(record, wall_now + 20s, now)->age(now + 3s) == 30);
    // The writer's clock is ahead.
    CHECK(decode(record, wall_now - 20s, now)->age(now) == 7);
}

TEST_CASE("record: what was cut or changed is nothing", "[cache]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto record = encode(*stored::make(a_fresh_response()));
    for (std::size_t size = 0; size < record.size(); ++size)
        REQUIRE(decode(record.substr(0, size), wall_now, now) == nullptr);
    REQUIRE(decode(record + "x", wall_now, now) == nullptr);
    for (std::size_t at = 0; at < record.size(); ++at) {
        auto changed = record;
        changed[at] = static_cast<char>(changed[at] ^ (1 + random() % 255));
        REQUIRE(decode(changed, wall_now, now) == nullptr);
    }
    for (int i = 0; i < 10'000; ++i) {
        auto changed = record;
        for (auto n = 1 + random() % 8; n > 0; --n)
            changed[random() % changed.size()] = static_cast<char>(random() % 256);
        const auto read = decode(changed, wall_now, now);
        REQUIRE((read == nullptr || changed == record));
    }
}

TEST_CASE("record: garbage with the right sum is nothing, or something whole", "[cache]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto record = encode(*stored::make(a_fresh_response()));
    REQUIRE(decode(sealed(record), wall_now, now) != nullptr);
    std::size_t read_at_all = 0;
    for (int i = 0; i < 20'000; ++i) {
        auto changed = record.substr(0, random() % 4 == 0 ? 136 + random() % (record.size() - 136) : record.size());
        for (auto n = random() % 4; n > 0; --n)
            changed[56 + random() % (changed.size() - 56)] = static_cast<char>(random() % 4 == 0 ? random() : 0);
        const auto read = decode(sealed(changed), wall_now, now);
        if (read == nullptr) continue;
        ++read_at_all;
        // Nothing was left over, and nothing came from beyond.
        REQUIRE(encode(*read).size() == changed.size());
        test::require_equal(*decode(encode(*read), wall_now, now), *read);
    }
    CHECK(read_at_all > 100);
}

TEST_CASE("record: what says impossible things of time is nothing", "[cache]")
{
    auto parts = a_fresh_response();
    parts.use.fresh_for = -1;
    CHECK(decode(encode(*stored::make(parts)), wall_now, now) == nullptr);
    parts = a_fresh_response();
    parts.use.stale_if_error = std::int64_t{1} << 60;
    CHECK(decode(encode(*stored::make(parts)), wall_now, now) == nullptr);
    parts = a_fresh_response();
    parts.wall_received = wall_clock::time_point{wall_clock::duration::max()};
    CHECK(decode(encode(*stored::make(parts)), wall_now, now) == nullptr);
    parts.wall_received = wall_clock::time_point{-1s};
    CHECK(decode(encode(*stored::make(parts)), wall_now, now) == nullptr);
}

TEST_CASE("record: scripts find stamp and fill where they look", "[cache]")
{
    auto parts = a_fresh_response();
    parts.since = {.epoch = 0x0102030405060708, .sequence = 0x1112131415161718};
    parts.fill = {.process = 3, .number = 4};
    const auto record = encode(*stored::make(parts));
    CHECK(record.starts_with(record_layout::begins_with));
    CHECK(record.substr(record_layout::since, 16) ==
          "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18");
    CHECK(record.substr(record_layout::fill, 16) == encode(parts.fill));
}
