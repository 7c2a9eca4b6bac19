// The second level on the real Redis: what is kept, for whom, and for how long.

#include "services/cache/store/second_level.hpp"

#include <csignal>

#include <catch2/catch.hpp>

#include "services/cache/memory/record.hpp"
#include "services/cache/store/second_level_keys.hpp"
#include "tests/integration/cache_store/second_workers.hpp"

using namespace shoal;
using namespace shoal::cache;
using namespace std::chrono_literals;
using test::a_stored;
using test::body_of;

namespace {

std::string key_of(const std::string& url)
{
    return url_keys{url}.record();
}

}  // namespace

TEST_CASE("second level: what one worker puts another finds", "[cache]")
{
    test::second_workers workers{2};
    CHECK(workers.find(0, "/a") == nullptr);
    const std::string body(100'000, 'b');
    workers.put(0, a_stored({.body = body}));
    const auto found = workers.find(1, "/a");
    REQUIRE(found != nullptr);
    CHECK(body_of(*found) == body);
    CHECK(found->etag() == "\"v1\"");
    CHECK(found->since() == stamp{1, 1});
    CHECK(found->tag_texts() == "article-1");
    CHECK(workers.find(1, "/b") == nullptr);
    CHECK(workers.at(1).total().found == 1);
    CHECK(workers.at(1).total().not_found == 1);
}

TEST_CASE("second level: each variant is found by who wants it", "[cache]")
{
    test::second_workers workers{2};
    workers.put(0, a_stored({.body = "gzip", .vary = "accept-encoding", .variant = "gzip"}));
    workers.put(1, a_stored({.body = "br", .vary = "accept-encoding", .variant = "br"}));
    CHECK(body_of(*workers.find(1, "/a", "gzip")) == "gzip");
    CHECK(body_of(*workers.find(0, "/a", "br")) == "br");
    CHECK(workers.find(0, "/a", "zstd") == nullptr);

    // The origin goes on to vary by something else: both ways lead to what is there.
    workers.put(0, a_stored({.body = "german", .vary = "accept-language", .variant = "de"}));
    CHECK(body_of(*workers.find(1, "/a", "gzip")) == "gzip");
    CHECK(body_of(*workers.find(1, "/a", "de")) == "german");

    // And then not at all.
    workers.put(0, a_stored({.body = "all"}));
    CHECK(body_of(*workers.find(1, "/a", "gzip")) == "all");
}

TEST_CASE("second level: a response is found under its name alone, and nothing else is", "[cache]")
{
    test::second_workers workers{1};
    const auto load = [&workers](const std::string& name) {
        auto found = workers.get(workers.at(0).load(name));
        REQUIRE(found.has_value());
        return *found;
    };
    const auto plain = a_stored({.body = "plain"});
    const auto variant = a_stored({.key = "/b", .body = "gzip", .vary = "accept-encoding", .variant = "gzip"});
    workers.put(0, plain);
    workers.put(0, variant);
    for (const auto& one : {plain, variant}) {
        REQUIRE(is_record_name(record_name(*one)));
        const auto found = load(record_name(*one));
        REQUIRE(found != nullptr);
        CHECK(body_of(*found) == body_of(*one));
    }
    CHECK(load(url_keys{"/c"}.record()) == nullptr);
    CHECK(load(url_keys{"/b"}.record()) == nullptr);  // the way to its variants
    CHECK(workers.at(0).total().malformed == 0);

    workers.command({"SET", key_of("/c"), encode(*plain)});
    CHECK(load(key_of("/c")) == nullptr);
    workers.command({"SET", key_of("/c"), "S\x01 no record"});
    CHECK(load(key_of("/c")) == nullptr);
    workers.disconnect(0);
    CHECK(workers.get(workers.at(0).load(key_of("/a"))).has_error());
}

TEST_CASE("second level: the ways to a URL's variants are bounded", "[cache]")
{
    test::second_workers workers{1};
    for (int i = 0; i < 10; ++i) workers.put(0, a_stored({.vary = "field-" + std::to_string(i), .variant = "x"}));
    const auto ways = workers.command({"GET", key_of("/a")});
    CHECK(*ways.text() == "V\nfield-9\nfield-8\nfield-7\nfield-6");
}

TEST_CASE("second level: a 304 updates its own fill only", "[cache]")
{
    test::second_workers workers{2};
    for (const std::string vary : {"", "accept"}) {
        CAPTURE(vary);
        workers.put(0, a_stored({.body = "one", .vary = vary, .variant = vary, .fill = 7}));
        CHECK(workers.update(1, a_stored({.body = "two", .vary = vary, .variant = vary, .fill = 7}), {1, 7}));
        CHECK(body_of(*workers.find(0, "/a", vary)) == "two");
        CHECK_FALSE(workers.update(1, a_stored({.body = "three", .vary = vary, .variant = vary, .fill = 8}), {1, 8}));
        CHECK(body_of(*workers.find(0, "/a", vary)) == "two");
    }
}

TEST_CASE("second level: a 304 brings back what was evicted, and nothing in another's place", "[cache]")
{
    test::second_workers workers{2};
    for (const std::string vary : {"", "accept"}) {
        const std::string key = "/of-" + vary;
        CAPTURE(key);
        const auto with = [&](std::string body, std::uint64_t fill) {
            return a_stored({.key = key, .body = std::move(body), .vary = vary, .variant = vary, .fill = fill});
        };
        CHECK(workers.update(0, with("one", 8), {1, 7}));
        CHECK(body_of(*workers.find(1, key, vary)) == "one");
        CHECK_FALSE(workers.update(1, with("two", 9), {1, 7}));
        CHECK(body_of(*workers.find(0, key, vary)) == "one");
    }
    // What has a Vary meanwhile, and what has none any more.
    CHECK_FALSE(workers.update(0, a_stored({.key = "/of-accept", .fill = 9}), {1, 8}));
    CHECK_FALSE(workers.update(0, a_stored({.key = "/of-", .vary = "accept", .variant = "x", .fill = 9}), {1, 8}));
    CHECK(body_of(*workers.find(0, "/of-", "x")) == "one");
}

TEST_CASE("second level: what was fetched later in the purge log stays", "[cache]")
{
    test::second_workers workers{2};
    // Bytes above 127, which an order of text would see otherwise.
    workers.put(0, a_stored({.body = "later", .sequence = 0x1FF}));
    workers.put(1, a_stored({.body = "earlier", .sequence = 0x180}));
    CHECK(body_of(*workers.find(1, "/a")) == "later");
    workers.put(1, a_stored({.body = "same", .sequence = 0x1FF}));
    CHECK(body_of(*workers.find(1, "/a")) == "same");
    workers.put(1, a_stored({.body = "latest", .sequence = std::uint64_t{1} << 40}));
    CHECK(body_of(*workers.find(1, "/a")) == "latest");
}

TEST_CASE("second level: what is not the URL's own response is not found", "[cache]")
{
    test::second_workers workers{1};
    // As if two URLs had one hash.
    workers.command({"SET", key_of("/a"), encode(*a_stored({.key = "/b"}))});
    CHECK(workers.find(0, "/a") == nullptr);
    for (const std::string garbage : {"", "S", "S\x01", "V", "V\n", "V\n\n\n", "rubbish"}) {
        workers.command({"SET", key_of("/a"), garbage});
        CHECK(workers.find(0, "/a") == nullptr);
    }
    auto cut = encode(*a_stored());
    cut.pop_back();
    workers.command({"SET", key_of("/a"), cut});
    CHECK(workers.find(0, "/a") == nullptr);
    CHECK(workers.at(0).total().malformed > 0);
    // A list where a text should be.
    workers.command({"DEL", key_of("/a")});
    workers.command({"RPUSH", key_of("/a"), "x"});
    CHECK(workers.find(0, "/a") == nullptr);
}

TEST_CASE("second level: is kept for as long as it is of use", "[cache]")
{
    auto chosen = test::second_workers::patient();
    chosen.validation = 1h;
    test::second_workers workers{1, chosen};
    const auto lasts = [&workers] { return *workers.command({"PTTL", key_of("/a")}).integer(); };

    workers.put(0, a_stored({.fresh_for = 60}));
    CHECK(lasts() > 3'600'000);
    CHECK(lasts() <= 3'660'000);
    workers.put(0, a_stored({.fresh_for = 60, .etag = ""}));
    CHECK(lasts() > 50'000);
    CHECK(lasts() <= 60'000);
    workers.put(0, a_stored({.fresh_for = std::int64_t{1} << 40}));
    CHECK(lasts() <= 30LL * 24 * 3'600'000);

    workers.command({"DEL", key_of("/a")});
    workers.put(0, a_stored({.fresh_for = 0, .etag = ""}));
    CHECK(workers.find(0, "/a") == nullptr);
    CHECK(workers.at(0).total().left_out == 1);
}

TEST_CASE("second level: what is too large, or too much at once, is left out", "[cache]")
{
    auto chosen = test::second_workers::patient();
    chosen.largest = 1'000;
    chosen.waiting = 3;
    test::second_workers workers{1, chosen};
    workers.put(0, a_stored({.body = std::string(1'001, 'x')}));
    CHECK(workers.find(0, "/a") == nullptr);
    workers.put(0, a_stored({.body = std::string(1'000, 'x')}));
    CHECK(workers.find(0, "/a") != nullptr);

    const auto& counts = workers.at(0).total();
    CHECK(counts.left_out == 1);
    for (int i = 0; i < 10; ++i) workers.at(0).put(a_stored({.key = std::to_string(i)}));
    CHECK(counts.left_out == 8);
    workers.until([&counts] { return counts.written == 4; });
    // There is room again.
    workers.put(0, a_stored({.key = "again"}));
    CHECK(workers.find(0, "again") != nullptr);
}

TEST_CASE("second level: without Redis it is empty, and says so at once", "[cache]")
{
    auto chosen = test::second_workers::patient();
    chosen.patience = 50ms;
    test::second_workers workers{1, chosen};
    workers.put(0, a_stored());
    workers.server().signal(SIGSTOP);
    auto began = boot_clock::now();
    CHECK(workers.find(0, "/a") == nullptr);
    CHECK(boot_clock::now() - began < 1s);
    CHECK(workers.acquire(0).whose == second_level::turn::unknown);
    workers.server().signal(SIGCONT);
    workers.until([&workers] { return workers.find(0, "/a") != nullptr; });

    workers.server().kill();
    began = boot_clock::now();
    CHECK(workers.find(0, "/a") == nullptr);
    CHECK(workers.acquire(0).whose == second_level::turn::unknown);
    workers.put(0, a_stored());
    CHECK(boot_clock::now() - began < 1s);
    CHECK(workers.at(0).total().left_out > 0);

    workers.server().start();
    workers.until([&workers] { return workers.acquire(0).whose == second_level::turn::ours; });
}
