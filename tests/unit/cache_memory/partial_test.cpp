#include "services/cache/memory/partial.hpp"
#include "tests/unit/cache_memory/responses.hpp"

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::cache;

namespace {

stored_ptr head(std::uint64_t sequence = 1, std::vector<tag> tags = {1})
{
    auto parts = test::a_response("/a", 0);
    parts.body.clear();
    parts.since.sequence = sequence;
    parts.tags = std::move(tags);
    return stored::make(parts);
}

partial::part piece(const std::string& whole, std::size_t first, std::size_t size)
{
    return {.first = first, .bytes = {share(whole.substr(first, size))}};
}

std::string text(const std::vector<shared_bytes>& pieces)
{
    std::string made;
    for (const auto& one : pieces) made.append(one.view);
    return made;
}

}  // namespace

TEST_CASE("partial: gives what it has, and knows what is missing", "[cache]")
{
    const std::string whole = "0123456789";
    const auto h = head();
    auto some = partial::make(h, 10);
    CHECK_FALSE(some->covers(0, 0));
    CHECK(some->missing()->first == 0);
    CHECK(some->missing()->last == 9);

    some = some->with(h, 10, piece(whole, 2, 3));
    CHECK(some->present() == 3);
    CHECK(text(*some->covers(2, 4)) == "234");
    CHECK(text(*some->covers(3, 3)) == "3");
    CHECK_FALSE(some->covers(1, 3));
    CHECK_FALSE(some->covers(4, 5));
    CHECK_FALSE(some->covers(4, 3));
    CHECK(some->missing(3)->first == 5);
    CHECK(some->complete() == nullptr);

    some = some->with(h, 10, piece(whole, 0, 10));
    CHECK(some->present() == 10);
    CHECK_FALSE(some->missing());
    REQUIRE(some->complete() != nullptr);
    CHECK(test::text_of(*some->complete()) == whole);
    CHECK_FALSE(some->covers(5, 10));
}

TEST_CASE("partial: any parts in any order make the same whole", "[cache]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int game = 0; game < 300; ++game) {
        const std::string whole = "x" + test::random_text(random, 300);
        const auto h = head();
        auto some = partial::make(h, whole.size());
        std::string here(whole.size(), '\0');
        while (some->missing()) {
            const auto first = random() % whole.size();
            const auto size = 1 + random() % (whole.size() - first);
            auto more = piece(whole, first, size);
            if (size > 2) more.bytes = {share(whole.substr(first, 1)), share(whole.substr(first + 1, size - 1))};
            some = some->with(h, whole.size(), more);
            here.replace(first, size, whole, first, size);
            REQUIRE(some->present() == static_cast<std::uint64_t>(
                                           std::count_if(here.begin(), here.end(), [](char c) { return c != '\0'; })));
            const auto from = random() % whole.size();
            const auto last = from + random() % (whole.size() - from);
            const auto wanted = here.substr(from, last - from + 1);
            const auto got = some->covers(from, last);
            REQUIRE(got.has_value() == (wanted.find('\0') == std::string::npos));
            if (got) REQUIRE(text(*got) == wanted);
        }
        REQUIRE(test::text_of(*some->complete()) == whole);
    }
}

TEST_CASE("partial: vouches for no more than each part does", "[cache]")
{
    const std::string whole = "0123456789";
    auto some = partial::make(head(5, {1, 2}), 10)->with(head(7, {2, 3}), 10, piece(whole, 0, 5));
    CHECK(some->head()->since().sequence == 5);
    some = some->with(head(3, {1}), 10, piece(whole, 5, 5));
    CHECK(some->head()->since().sequence == 3);
    const auto whole_again = some->complete();
    const auto tags = whole_again->tags();
    CHECK(std::vector<tag>(tags.begin(), tags.end()) == std::vector<tag>{1, 2, 3});
}

TEST_CASE("partial: refuses what belongs to another representation", "[cache]")
{
    const std::string whole = "0123456789";
    const auto some = partial::make(head(), 10);
    auto other = head()->parts();
    other.etag = "\"other\"";
    CHECK(some->with(stored::make(other), 10, piece(whole, 0, 5)) == nullptr);
    CHECK(some->with(head(), 11, piece(whole, 0, 5)) == nullptr);
    auto epoch = head()->parts();
    epoch.since.epoch = 2;
    CHECK(some->with(stored::make(epoch), 10, piece(whole, 0, 5)) == nullptr);
    CHECK(some->with(head(), 10, {.first = 8, .bytes = {share("abc")}}) == nullptr);
    CHECK(some->with(head(), 10, {.first = 11, .bytes = {}}) == nullptr);
}
