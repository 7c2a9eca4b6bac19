// That the budget of the memory is what the heap really gives.

#include "common/core/heap.hpp"
#include "services/cache/memory/memory.hpp"
#include "tests/unit/cache_memory/heap_growth.hpp"
#include "tests/unit/cache_memory/responses.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cmath>

using namespace shoal;
using namespace shoal::cache;

// Of glibc; not what a sanitizer puts in their place.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" void* __libc_malloc(std::size_t);
extern "C" void __libc_free(void*);
// NOLINTEND(readability-identifier-naming)

namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;

/// Of the heap's growth, how far the accounting is off.
double off_by(const memory& kept, std::int64_t before)
{
    const auto grown = static_cast<double>(test::heap_in_use() - before);
    return std::abs(static_cast<double>(kept.bytes()) - grown) / grown;
}

}  // namespace

TEST_CASE("heap: a block takes what malloc's own header says", "[cache]")
{
    for (std::size_t size = 1; size < 130'000; size += size < 5'000 ? 1 : 997) {
        auto* const block = static_cast<std::size_t*>(__libc_malloc(size));
        const std::size_t header = block[-1];
        __libc_free(block);
        // The lowest bits are flags, one of which says that it is a mapping.
        if (size >= 128 * 1024 - 64) continue;
        // A rest too small for a block of its own stays with the block before it.
        const std::size_t taken = header & ~std::size_t{7};
        REQUIRE(taken >= heap_bytes(size));
        REQUIRE(taken <= heap_bytes(size) + 16);
    }
}

TEST_CASE("memory: 100,000 objects of 1 KiB are counted as what they take", "[cache]")
{
    const auto before = test::heap_in_use();
    memory kept{1024 * mebibyte, 1};
    for (int i = 0; i < 100'000; ++i)
        kept.insert(stored::make(test::a_response("http://localhost/page/" + std::to_string(i), 1024)));
    REQUIRE(kept.total().objects == 100'000);
    CHECK(off_by(kept, before) < 0.01);
    const auto each = static_cast<double>(test::heap_in_use() - before) / 100'000;
    WARN("bytes for each object of 1 KiB: " << each);
    CHECK(each < 1'024 + 640);
}

TEST_CASE("memory: objects of all sizes are counted as what they take while they come and go", "[cache]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto before = test::heap_in_use();
    memory kept{64 * mebibyte, random()};
    std::lognormal_distribution<double> sizes{9.0, 2.0};
    // One assertion for all: a reporter may keep each of them, and the heap would count it.
    bool within = true;
    for (int i = 0; i < 30'000; ++i) {
        const auto size = static_cast<std::size_t>(std::min(sizes(random), 2e6));
        auto parts = test::a_response("/" + std::to_string(random() % 20'000), 0);
        // As they come from an origin: in blocks, the last of which is small.
        parts.body.clear();
        for (std::size_t left = size; left > 0; left -= std::min<std::size_t>(left, 65'536))
            parts.body.push_back(share(std::string(std::min<std::size_t>(left, 65'536), 'x')));
        kept.insert(stored::make(parts));
        within = within && kept.bytes() <= kept.budget();
    }
    REQUIRE(within);
    REQUIRE(kept.total().evicted > 1'000);
    CHECK(kept.bytes() > kept.budget() * 9 / 10);
    CHECK(off_by(kept, before) < 0.05);
}

TEST_CASE("memory: a lookup allocates nothing", "[cache]")
{
    memory kept{mebibyte, 1};
    auto parts = test::a_response("/a", 100);
    parts.vary = "accept-encoding";
    parts.variant = "gzip";
    kept.insert(stored::make(parts));
    test::wants asks{"gzip"};
    REQUIRE(kept.find("/a", asks) != nullptr);
    const auto before = test::heap_calls();
    for (int i = 0; i < 100; ++i) {
        const auto found = kept.find("/a", asks);
        const auto missing = kept.find("/b", asks);
        if (found == nullptr || missing != nullptr) FAIL("found the wrong one");
    }
    CHECK(test::heap_calls() == before);
}
