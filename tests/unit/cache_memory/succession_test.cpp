// What a process tells the next one of its place, and what that one makes of it.

#include "services/cache/memory/memory.hpp"
#include "tests/unit/cache_memory/responses.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace shoal;
using namespace shoal::cache;
using shoal::test::a_response;

namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;

stored_ptr plain(const std::string& key, std::size_t size = 100)
{
    return stored::make(a_response(key, size));
}

/// Received so many seconds after the others.
stored_ptr variant(const std::string& vary, const std::string& value, int seconds)
{
    auto parts = a_response("/a", 100);
    parts.vary = vary;
    parts.variant = value;
    parts.received += std::chrono::seconds{seconds};
    return stored::make(parts);
}

std::vector<std::string> keys_of(memory& in)
{
    std::vector<std::string> made;
    memory::walk through{in};
    for (auto step = through.next(); step; step = through.next())
        if (step->what) made.emplace_back(step->what->key());
    return made;
}

}  // namespace

TEST_CASE("memory: the next process keeps the same in the same order", "[cache]")
{
    memory before{mebibyte, 1};
    test::no_variant asks;
    for (int i = 0; before.total().evicted < 1'000; ++i) {
        before.insert(plain("/" + std::to_string(i), 500));
        (void)before.find("/" + std::to_string(i / 2), asks);
    }
    memory after{mebibyte, 2};
    memory::walk through{before};
    for (auto step = through.next(); step; step = through.next()) CHECK(after.restore(step->what, step->rank));
    CHECK(keys_of(after) == keys_of(before));
    CHECK(after.total().objects == before.total().objects);
    CHECK(after.total().bytes == before.total().bytes);
    CHECK(after.total().evicted == 0);
    for (const auto& key : keys_of(before)) CHECK(after.find(key, asks) != nullptr);
}

TEST_CASE("memory: what is restored makes no room for itself", "[cache]")
{
    memory kept{mebibyte, 1};
    test::no_variant asks;
    kept.insert(plain("/first", 100'000));
    int restored = 0;
    while (kept.restore(plain("/" + std::to_string(restored), 10'000), {.in_main = true, .uses = 3})) ++restored;
    CHECK(restored > 80);
    CHECK(restored < 95);
    CHECK(kept.total().evicted == 0);
    CHECK(kept.bytes() <= mebibyte);
    CHECK(kept.find("/first", asks) != nullptr);
    CHECK(kept.find("/0", asks) != nullptr);
}

TEST_CASE("memory: what is here already stays when it is restored", "[cache]")
{
    memory kept{mebibyte, 1};
    test::no_variant asks;
    const auto here = plain("/a", 100);
    kept.insert(here);
    CHECK(kept.restore(plain("/a", 200), {}));
    CHECK(kept.find("/a", asks) == here);
    CHECK(kept.total().objects == 1);
}

TEST_CASE("memory: of restored variants the newest is found first", "[cache]")
{
    memory kept{mebibyte, 1};
    test::wants asks{"x"};
    const auto older = variant("accept", "x", 0);
    const auto newest = variant("accept-encoding", "x", 2);
    const auto old = variant("accept-language", "x", 1);
    for (const auto& one : {older, newest, old}) CHECK(kept.restore(one, {}));
    CHECK(kept.variants("/a") == std::vector<stored_ptr>{newest, old, older});
    CHECK(kept.find("/a", asks) == newest);
}

TEST_CASE("memory: parts of a response are walked over", "[cache]")
{
    memory kept{mebibyte, 1};
    const auto head = stored::make(a_response("/part", 0));
    kept.insert(partial::make(head, 10)->with(head, 10, {.first = 0, .bytes = {share("01234")}}));
    kept.insert(plain("/whole"));
    CHECK(keys_of(kept) == std::vector<std::string>{"/whole"});
}
