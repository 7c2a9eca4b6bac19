#include "services/cache/memory/stored.hpp"
#include "tests/unit/cache_memory/responses.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace shoal;
using namespace shoal::cache;
using namespace std::chrono_literals;

namespace {

/// An owner that says that it keeps `held` bytes.
class holder final : public counted {
public:
    holder(std::string text, std::size_t held, int& alive) : text_{std::move(text)}, held_{held}, alive_{alive}
    {
        ++alive_;
    }
    [[nodiscard]] std::string_view text() const { return text_; }
    [[nodiscard]] std::size_t footprint() const noexcept override { return held_; }

private:
    ~holder() override { --alive_; }

    std::string text_;
    std::size_t held_;
    int& alive_;
};

shared_bytes held(std::string text, std::size_t bytes, int& alive)
{
    boost::intrusive_ptr<const holder> made{new holder{std::move(text), bytes, alive}};
    return {made->text(), made};
}

constexpr std::size_t block = 64 * 1024;

}  // namespace

TEST_CASE("stored: has what it was made of", "[cache]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    for (int i = 0; i < 300; ++i) {
        const auto parts = test::a_random_response(random);
        const auto made = stored::make(parts);
        REQUIRE(made->key() == parts.key);
        REQUIRE(made->variant() == parts.variant);
        REQUIRE(made->vary() == parts.vary);
        REQUIRE(made->status() == parts.status);
        REQUIRE(made->head() == parts.head);
        REQUIRE(made->etag() == parts.etag);
        REQUIRE(made->last_modified() == parts.last_modified);
        REQUIRE(made->use() == parts.use);
        REQUIRE(made->received() == parts.received);
        REQUIRE(made->since() == parts.since);
        REQUIRE(std::vector<tag>(made->tags().begin(), made->tags().end()) == parts.tags);
        REQUIRE(made->site() == parts.site);
        REQUIRE(made->fill() == parts.fill);
        REQUIRE(made->parts().tag_texts == parts.tag_texts);
        std::string body;
        for (const auto& piece : parts.body) body.append(piece.view);
        REQUIRE(test::text_of(*made) == body);
        REQUIRE(made->body_length() == body.size());
        test::require_equal(*stored::make(made->parts()), *made);
    }
}

TEST_CASE("stored: a small body does not keep what it was read into", "[cache]")
{
    int alive = 0;
    auto parts = test::a_response("/", 0);
    parts.body = {held("one ", block, alive), held("two", block, alive)};
    const auto made = stored::make(parts);
    parts.body.clear();
    CHECK(alive == 0);
    CHECK(made->body().size() == 1);
    CHECK(test::text_of(*made) == "one two");
    CHECK(made->footprint() < 1024);

    // Not even one that is just as large.
    parts.body = {held(std::string(20'000, 'x'), 20'000, alive)};
    const auto tight = stored::make(parts);
    parts.body.clear();
    CHECK(alive == 0);
}

TEST_CASE("stored: a large body is shared unless its owners keep much more", "[cache]")
{
    int alive = 0;
    auto parts = test::a_response("/", 0);
    parts.body = {held(std::string(block, 'a'), block, alive), held(std::string(100, 'b'), block, alive),
                  held(std::string(100, 'c'), block, alive), held(std::string(block, 'd'), block, alive)};
    const char* const first = parts.body.front().view.data();
    auto made = stored::make(parts);
    parts.body.clear();
    CHECK(alive == 2);
    CHECK(made->body().size() == 3);
    CHECK(made->body()[0].data() == first);
    CHECK(test::text_of(*made) ==
          std::string(block, 'a') + std::string(100, 'b') + std::string(100, 'c') + std::string(block, 'd'));
    CHECK(made->footprint() > 2 * block);
    CHECK(made->footprint() < 2 * block + 2048);

    // Another one after a 304 shares it too, and outlives the first.
    auto again = made->parts();
    again.etag = "\"new\"";
    const auto other = stored::make(again);
    again.body.clear();
    made = nullptr;
    CHECK(alive == 2);
    CHECK(other->body()[0].data() == first);
    CHECK(other->body_length() == 2 * block + 200);
}

TEST_CASE("stored: static bytes need no owner", "[cache]")
{
    static const std::string text(100'000, 's');
    auto parts = test::a_response("/", 0);
    parts.body = {{text, nullptr}};
    const auto made = stored::make(parts);
    CHECK(made->body()[0].data() == text.data());
    CHECK(test::text_of(*stored::make(made->parts())) == text);
}

TEST_CASE("stored: age counts from what it was when it was received", "[cache]")
{
    auto parts = test::a_response("/", 1);
    parts.use.initial_age = 10;
    parts.received = boot_time{100s};
    const auto made = stored::make(parts);
    CHECK(made->age(boot_time{100s}) == 10);
    CHECK(made->age(boot_time{101s} - 1ns) == 10);
    CHECK(made->age(boot_time{161s}) == 71);
    CHECK(made->age(boot_time{90s}) == 10);
}
