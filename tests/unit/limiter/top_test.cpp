#include "services/limiter/top.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using shoal::limiter::top_refused;

using truth = std::map<std::pair<std::string, std::string>, std::uint64_t>;

std::vector<std::uint64_t> counts_of(const std::vector<top_refused::entry>& entries)
{
    std::vector<std::uint64_t> counts;
    for (const auto& one : entries) counts.push_back(one.refused);
    return counts;
}

/// What the paper proves of every stream.
void require_guarantee(const top_refused& sketch, const truth& refused, std::size_t capacity)
{
    std::uint64_t total = 0;
    for (const auto& [of, times] : refused) total += times;
    const auto found = sketch.most(capacity + 1);
    REQUIRE(found.size() == std::min(capacity, refused.size()));
    std::uint64_t counted = 0;
    for (const auto& one : found) {
        const auto times = refused.at({one.rule, one.key});
        REQUIRE(one.refused >= times);
        REQUIRE(one.refused - one.error <= times);
        REQUIRE(one.error <= total / capacity);
        counted += one.refused;
    }
    REQUIRE(counted == total);
    for (const auto& [of, times] : refused) {
        if (times <= total / capacity) continue;
        REQUIRE(std::any_of(found.begin(), found.end(), [&of = of](const top_refused::entry& one) {
            return one.rule == of.first && one.key == of.second;
        }));
    }
}

}  // namespace

TEST_CASE("top: fewer keys than its capacity are counted exactly", "[limiter]")
{
    top_refused sketch{8};
    REQUIRE(sketch.most(10).empty());
    for (int i = 0; i < 5; ++i) sketch.add("login", "alice");
    for (int i = 0; i < 7; ++i) sketch.add("login", "bob");
    sketch.add("api", "alice");
    const auto found = sketch.most(10);
    REQUIRE(counts_of(found) == std::vector<std::uint64_t>{7, 5, 1});
    REQUIRE((found[0].rule == "login" && found[0].key == "bob"));
    REQUIRE((found[1].rule == "login" && found[1].key == "alice"));
    REQUIRE((found[2].rule == "api" && found[2].key == "alice"));
    REQUIRE(std::all_of(found.begin(), found.end(), [](const auto& one) { return one.error == 0; }));
}

TEST_CASE("top: gives at most what was asked for, the most refused first", "[limiter]")
{
    top_refused sketch{8};
    for (int key = 1; key <= 5; ++key)
        for (int i = 0; i < key; ++i) sketch.add("demo", std::to_string(key));
    REQUIRE(counts_of(sketch.most(2)) == std::vector<std::uint64_t>{5, 4});
    REQUIRE(sketch.most(0).empty());
}

TEST_CASE("top: a rule and a key are two things, whatever stands in them", "[limiter]")
{
    top_refused sketch{8};
    sketch.add("a", "bc");
    sketch.add("ab", "c");
    sketch.add("", "abc");
    REQUIRE(sketch.most(8).size() == 3);
}

TEST_CASE("top: a newcomer takes the place of the least and says what it may have inherited", "[limiter]")
{
    top_refused sketch{2};
    for (int i = 0; i < 4; ++i) sketch.add("demo", "often");
    for (int i = 0; i < 3; ++i) sketch.add("demo", "seldom");
    sketch.add("demo", "new");
    const auto found = sketch.most(2);
    REQUIRE(counts_of(found) == std::vector<std::uint64_t>{4, 4});
    const auto& made = found[0].key == "new" ? found[0] : found[1];
    REQUIRE((made.key == "new" && made.error == 3));
}

TEST_CASE("top: who is refused most stays, however many others come once", "[limiter]")
{
    top_refused sketch{16};
    for (int i = 0; i < 10'000; ++i) {
        sketch.add("demo", "once-" + std::to_string(i));
        if (i % 8 == 0) sketch.add("demo", "alice");
    }
    const auto found = sketch.most(1);
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].key == "alice");
    REQUIRE((found[0].refused >= 1250 && found[0].refused - found[0].error <= 1250));
}

TEST_CASE("top: the bounds of the paper hold on random skewed streams", "[limiter][property]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int round = 0; round < 60; ++round) {
        const auto capacity = std::uniform_int_distribution<std::size_t>{1, 64}(random);
        const auto skew = std::uniform_real_distribution<>{0.5, 4}(random);
        const auto keys = std::uniform_int_distribution<>{1, 2000}(random);
        std::uniform_real_distribution<> uniform{0, 1};
        top_refused sketch{capacity};
        truth refused;
        for (int i = 0; i < 5000; ++i) {
            // Keys of many lengths, beyond what a string holds in place as well.
            const auto number = static_cast<std::size_t>(std::pow(uniform(random), skew) * keys);
            const std::string rule = number % 3 == 0 ? "login" : "api";
            const std::string key = std::string(number % 97, 'k') + std::to_string(number);
            sketch.add(rule, key);
            ++refused[{rule, key}];
            if (i % 1000 == 0) require_guarantee(sketch, refused, capacity);
        }
        require_guarantee(sketch, refused, capacity);
        const auto counts = counts_of(sketch.most(capacity));
        REQUIRE(std::is_sorted(counts.rbegin(), counts.rend()));
    }
}
