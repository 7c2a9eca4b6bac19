#include "tests/unit/cache_memory/responses.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <vector>

namespace shoal::test {

using namespace cache;

stored_parts a_response(std::string key, std::size_t size)
{
    stored_parts made;
    made.key = std::move(key);
    made.head =
        "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\nContent-Type: text/html\r\nContent-Length: " +
        std::to_string(size) + "\r\nCache-Control: max-age=60\r\nETag: \"5f3c-1a2b3c4d\"\r\n";
    made.body.push_back(share(std::string(size, 'x')));
    made.etag = "\"5f3c-1a2b3c4d\"";
    made.use.fresh_for = 60;
    made.tags = {1, 2, 3};
    made.site = "default";
    made.since = {.epoch = 1, .sequence = 1};
    return made;
}

std::string text_of(const stored& of)
{
    std::string made;
    for (const auto piece : of.body()) made.append(piece);
    return made;
}

std::string random_text(std::mt19937_64& random, std::size_t most)
{
    std::string made(random() % (most + 1), '\0');
    for (auto& c : made) c = static_cast<char>('!' + random() % 94);
    return made;
}

stored_parts a_random_response(std::mt19937_64& random)
{
    stored_parts made;
    made.key = random_text(random, 200);
    made.variant = random_text(random, 40);
    made.vary = random_text(random, 40);
    made.status = static_cast<unsigned>(200 + random() % 400);
    made.head = random_text(random, 2000);
    for (std::size_t i = random() % 5; i > 0; --i) made.body.push_back(share(random_text(random, 30'000)));
    made.etag = random_text(random, 40);
    made.last_modified = random_text(random, 30);
    const auto seconds = [&random] { return static_cast<std::int64_t>(random() % 1'000'000); };
    made.use = {.initial_age = seconds(),
                .fresh_for = seconds(),
                .stale_while_revalidate = seconds(),
                .stale_if_error = seconds(),
                .always_validate = random() % 2 == 0,
                .must_revalidate = random() % 2 == 0};
    made.received = boot_time{std::chrono::seconds{1'000'000 + seconds()}};
    made.wall_received = wall_clock::time_point{std::chrono::seconds{1'700'000'000 + seconds()}};
    made.since = {.epoch = random(), .sequence = random()};
    for (std::size_t i = random() % 6; i > 0; --i) made.tags.push_back(random());
    for (std::size_t i = random() % 4; i > 0; --i) made.tag_texts.push_back("t" + random_text(random, 20));
    made.site = random_text(random, 20);
    made.fill = {.process = random(), .number = random()};
    return made;
}

void require_equal(const stored& a, const stored& b)
{
    REQUIRE(a.key() == b.key());
    REQUIRE(a.variant() == b.variant());
    REQUIRE(a.vary() == b.vary());
    REQUIRE(a.status() == b.status());
    REQUIRE(a.head() == b.head());
    REQUIRE(text_of(a) == text_of(b));
    REQUIRE(a.body_length() == b.body_length());
    REQUIRE(a.etag() == b.etag());
    REQUIRE(a.last_modified() == b.last_modified());
    REQUIRE(a.use() == b.use());
    REQUIRE(a.since() == b.since());
    REQUIRE(std::equal(a.tags().begin(), a.tags().end(), b.tags().begin(), b.tags().end()));
    REQUIRE(a.tag_texts() == b.tag_texts());
    REQUIRE(a.site() == b.site());
    REQUIRE(a.fill() == b.fill());
    REQUIRE(a.wall_received() == b.wall_received());
}

}  // namespace shoal::test
