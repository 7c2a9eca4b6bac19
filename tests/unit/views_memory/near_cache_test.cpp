#include "services/views/memory/near_cache.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace shoal;
using namespace shoal::views;

namespace {

answer_ptr made(std::string body)
{
    return answer_ptr{new answer{200, std::move(body), "\"e\"", {1, 1}, {7, 8}}};
}

}  // namespace

TEST_CASE("near cache: has what was put in last", "[views]")
{
    near_cache kept{1 << 20, 1};
    CHECK_FALSE(kept.find("q"));
    kept.insert("q", made("one"));
    REQUIRE(kept.find("q"));
    kept.insert("q", made("two"));
    CHECK(kept.find("q")->body() == "two");
    CHECK(kept.size() == 1);
    kept.erase("q");
    CHECK_FALSE(kept.find("q"));
    CHECK(kept.size() == 0);
}

TEST_CASE("near cache: what is given out stays valid", "[views]")
{
    near_cache kept{1 << 20, 1};
    kept.insert("q", made("one"));
    const auto out = kept.find("q");
    kept.erase("q");
    CHECK(out->body() == "one");
}

TEST_CASE("near cache: never takes more than its budget", "[views]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    constexpr std::uint64_t budget = 100'000;
    near_cache kept{budget, random()};
    std::size_t evicted = 0;
    kept.on_eviction([&evicted] { ++evicted; });
    for (int i = 0; i < 20'000; ++i) {
        const auto question = std::to_string(random() % 500);
        if (random() % 8 == 0)
            kept.erase(question);
        else if (const auto found = kept.find(question); !found || random() % 4 == 0)
            kept.insert(question, made(std::string(random() % 4'000, 'x')));
        REQUIRE(kept.bytes() <= budget);
    }
    CHECK(evicted > 0);
    CHECK(kept.size() > 10);
    kept.resize(budget / 10);
    CHECK(kept.bytes() <= budget / 10);
}

TEST_CASE("near cache: what is above an eighth of the budget is not kept, nor what it was before", "[views]")
{
    near_cache kept{1 << 20, 1};
    kept.insert("q", made("small"));
    kept.insert("q", made(std::string(1 << 18, 'x')));
    CHECK_FALSE(kept.find("q"));
}
