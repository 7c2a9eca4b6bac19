#include "services/cache/memory/memory.hpp"
#include "tests/unit/cache_memory/responses.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace shoal;
using namespace shoal::cache;
using shoal::test::a_response;

namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;

stored_ptr plain(const std::string& key, std::size_t size = 100, std::uint64_t fill = 0)
{
    auto parts = a_response(key, size);
    parts.fill.number = fill;
    return stored::make(parts);
}

stored_ptr variant(const std::string& key, const std::string& vary, const std::string& value, std::uint64_t fill = 0)
{
    auto parts = a_response(key, 100);
    parts.vary = vary;
    parts.variant = value;
    parts.fill.number = fill;
    return stored::make(parts);
}

partial_ptr part_of(const std::string& key, std::uint64_t length, std::uint64_t first, std::size_t size)
{
    auto parts = a_response(key, 0);
    const auto head = stored::make(parts);
    return partial::make(head, length)->with(head, length, {.first = first, .bytes = {share(std::string(size, 'p'))}});
}

}  // namespace

TEST_CASE("memory: finds what was inserted, and nothing else", "[cache]")
{
    memory kept{mebibyte, 1};
    test::no_variant asks;
    CHECK(kept.find("/a", asks) == nullptr);
    const auto a = plain("/a");
    CHECK(kept.insert(a));
    CHECK(kept.find("/a", asks) == a);
    CHECK(kept.find("/b", asks) == nullptr);
    CHECK(kept.find("", asks) == nullptr);
    CHECK(kept.total().objects == 1);
    CHECK(kept.total().inserted == 1);
}

TEST_CASE("memory: a newer response takes the place of the older one", "[cache]")
{
    memory kept{mebibyte, 1};
    test::no_variant asks;
    const auto older = plain("/a", 100);
    const auto newer = plain("/a", 200);
    kept.insert(older);
    kept.insert(newer);
    CHECK(kept.find("/a", asks) == newer);
    CHECK(kept.total().objects == 1);
    CHECK(older->owners() == 1);
}

TEST_CASE("memory: the newest variant that the request wants is found", "[cache]")
{
    memory kept{mebibyte, 1};
    const auto gzip = variant("/a", "accept-encoding", "gzip");
    const auto br = variant("/a", "accept-encoding", "br");
    kept.insert(gzip);
    kept.insert(br);
    test::wants wants_gzip{"gzip"};
    CHECK(kept.find("/a", wants_gzip) == gzip);
    CHECK(wants_gzip.asked() == "accept-encoding");
    test::wants wants_br{"br"};
    CHECK(kept.find("/a", wants_br) == br);
    test::wants wants_plain{""};
    CHECK(kept.find("/a", wants_plain) == nullptr);

    // The origin varies no more: its newest answer is for everybody.
    const auto all = plain("/a");
    kept.insert(all);
    CHECK(kept.find("/a", wants_gzip) == all);
    // And then varies again.
    const auto again = variant("/a", "accept-encoding", "gzip");
    kept.insert(again);
    CHECK(kept.find("/a", wants_gzip) == again);
    CHECK(kept.find("/a", wants_plain) == all);
    CHECK(kept.variants("/a") == std::vector<stored_ptr>{again, all, br});
}

TEST_CASE("memory: one URL has a bounded number of variants", "[cache]")
{
    memory kept{16 * mebibyte, 1};
    for (int i = 0; i < 1'000; ++i) kept.insert(variant("/a", "user-agent", std::to_string(i)));
    CHECK(kept.variants("/a").size() == 64);
    test::wants newest{"999"};
    CHECK(kept.find("/a", newest) != nullptr);
    test::wants oldest{"0"};
    CHECK(kept.find("/a", oldest) == nullptr);
}

TEST_CASE("memory: a 304 updates the fill that it is about, and no other", "[cache]")
{
    memory kept{mebibyte, 1};
    test::no_variant asks;
    kept.insert(plain("/a", 100, 1));
    const auto updated = plain("/a", 100, 1);
    CHECK(kept.replace(updated, {0, 1}));
    CHECK(kept.find("/a", asks) == updated);

    const auto other = plain("/a", 100, 2);
    kept.insert(other);
    CHECK_FALSE(kept.replace(plain("/a", 100, 1), {0, 1}));
    CHECK(kept.find("/a", asks) == other);
    CHECK_FALSE(kept.replace(plain("/b", 100, 2), {0, 2}));
    CHECK(kept.total().objects == 1);
}

TEST_CASE("memory: a 304 may change the Vary", "[cache]")
{
    memory kept{mebibyte, 1};
    kept.insert(variant("/a", "accept", "x", 1));
    kept.insert(variant("/a", "accept-language", "de", 2));
    const auto updated = variant("/a", "accept-language", "de", 1);
    CHECK(kept.replace(updated, {0, 1}));
    CHECK(kept.variants("/a") == std::vector<stored_ptr>{updated});
}

TEST_CASE("memory: erases an object, a URL, everything", "[cache]")
{
    memory kept{mebibyte, 1};
    test::wants asks{"x"};
    const auto older = plain("/a");
    kept.insert(older);
    const auto newer = plain("/a");
    kept.insert(newer);
    kept.erase(*older);
    CHECK(kept.find("/a", asks) == newer);
    kept.erase(*newer);
    CHECK(kept.find("/a", asks) == nullptr);

    kept.insert(variant("/b", "accept", "x"));
    kept.insert(variant("/b", "accept", "y"));
    kept.insert(plain("/c"));
    CHECK(kept.erase("/b") == 2);
    CHECK(kept.erase("/b") == 0);
    CHECK(kept.find("/c", asks) != nullptr);
    // By a view of what goes itself.
    CHECK(kept.erase(kept.find("/c", asks)->key()) == 1);

    for (int i = 0; i < 1'000; ++i) kept.insert(plain("/" + std::to_string(i)));
    kept.clear();
    CHECK(kept.total().objects == 0);
    CHECK(kept.total().bytes == 0);
    CHECK(kept.find("/1", asks) == nullptr);
}

TEST_CASE("memory: parts lie beside other variants until the whole comes", "[cache]")
{
    memory kept{16 * mebibyte, 1};
    test::no_variant asks;
    const auto part = part_of("/a", 1'000'000, 0, 1000);
    CHECK(kept.insert(part));
    CHECK(kept.find("/a", asks) == nullptr);
    CHECK(kept.find_partial("/a", asks) == part);

    const auto whole = plain("/a");
    kept.insert(whole);
    CHECK(kept.find("/a", asks) == whole);
    CHECK(kept.find_partial("/a", asks) == nullptr);
    CHECK_FALSE(kept.insert(part));
    CHECK(kept.total().objects == 1);

    kept.erase(*whole);
    CHECK(kept.insert(part));
    kept.erase(*part);
    CHECK(kept.total().objects == 0);
}

TEST_CASE("memory: what is above an eighth of the budget is not admitted", "[cache]")
{
    memory kept{mebibyte, 1};
    test::no_variant asks;
    CHECK(kept.insert(plain("/a", 100)));
    CHECK_FALSE(kept.insert(plain("/a", mebibyte / 8)));
    CHECK(kept.find("/a", asks) == nullptr);
    CHECK(kept.total().refused == 1);
    CHECK(kept.insert(plain("/a", mebibyte / 8 - 2'000)));
    CHECK(kept.find("/a", asks) != nullptr);
}

TEST_CASE("memory: what is in use outlasts a scan, and what is new is not what goes", "[cache]")
{
    memory kept{mebibyte, 1};
    test::no_variant asks;
    const auto name = [](int i) { return "/used/" + std::to_string(i); };
    // Of all that fits, a half is used.
    for (int i = 0; i < 250; ++i) kept.insert(plain(name(i), 1'400));
    for (int i = 0; i < 250; ++i) REQUIRE(kept.find(name(i), asks) != nullptr);
    for (int i = 0; i < 5'000; ++i) kept.insert(plain("/scan/" + std::to_string(i), 1'400));
    int left = 0;
    for (int i = 0; i < 250; ++i) left += kept.find(name(i), asks) != nullptr ? 1 : 0;
    CHECK(left == 250);

    // More than the tenth that new things have.
    const auto large = plain("/large", 115'000);
    for (int i = 250; i < 1'000; ++i) {
        kept.insert(plain(name(i), 1'400));
        (void)kept.find(name(i), asks);
    }
    REQUIRE(kept.insert(large));
    CHECK(kept.find("/large", asks) == large);
}

TEST_CASE("memory: a smaller budget holds at once", "[cache]")
{
    memory kept{8 * mebibyte, 1};
    std::uint64_t told = 0;
    kept.on_eviction([&told] { ++told; });
    for (int i = 0; i < 6'000; ++i) kept.insert(plain("/" + std::to_string(i), 1'000));
    CHECK(kept.bytes() > 6 * mebibyte);
    kept.resize(mebibyte);
    CHECK(kept.bytes() <= mebibyte);
    CHECK(kept.total().objects > 400);
    CHECK(kept.total().evicted == 6'000 - kept.total().objects);
    CHECK(told == kept.total().evicted);
}

TEST_CASE("memory: a game of everything against a simple model", "[cache]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const std::uint64_t budget = 256 * 1024;
    memory kept{budget, random()};
    // What may be found: the newest for each key and variant, unless it was evicted.
    std::map<std::pair<std::string, std::string>, stored_ptr> newest;
    for (int step = 0; step < 20'000; ++step) {
        const std::string key = "/" + std::to_string(random() % 200);
        const std::string value = std::to_string(random() % 3);
        auto& model = newest[{key, value}];
        switch (random() % 10) {
        case 0:
        case 1:
        case 2: {
            auto parts = a_response(key, random() % 8'000);
            parts.vary = "accept";
            parts.variant = value;
            parts.fill.number = random();
            parts.site = "site" + std::to_string(random() % 3);
            model = stored::make(parts);
            REQUIRE(kept.insert(model));
            break;
        }
        case 3:
            if (model != nullptr) {
                const auto updated = stored::make(model->parts());
                if (kept.replace(updated, model->fill())) model = updated;
            }
            break;
        case 4:
            if (model != nullptr) kept.erase(*model);
            model = nullptr;
            break;
        default: {
            test::wants asks{value};
            const auto found = kept.find(key, asks);
            REQUIRE((found == nullptr || found == model));
        }
        }
        REQUIRE(kept.bytes() <= budget);
    }
    REQUIRE(kept.total().evicted > 100);

    memory::counts sum;
    kept.each_site([&sum](std::string_view, const memory::counts& site) {
        sum.objects += site.objects;
        sum.bytes += site.bytes;
        sum.evicted += site.evicted;
    });
    CHECK(sum.objects == kept.total().objects);
    CHECK(sum.bytes == kept.total().bytes);
    CHECK(sum.evicted == kept.total().evicted);
}
