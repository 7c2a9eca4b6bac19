#include "services/cache/warm/listing.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

#include "services/cache/store/second_level_keys.hpp"

using namespace shoal::cache;

namespace {

stored_ptr a_response(const std::string& key, const std::string& vary = {})
{
    stored_parts made;
    made.key = key;
    made.vary = vary;
    made.variant = vary;
    return stored::make(made);
}

const std::string hash(32, 'a');

}  // namespace

TEST_CASE("listing: says of each response its standing and its name", "[cache][warm]")
{
    std::string text;
    append_line(text, *a_response("http://a/1"), {.in_main = true, .uses = 3});
    append_line(text, *a_response("http://a/2", "accept-encoding"), {.in_main = false, .uses = 0});
    const auto read = read_listing(text);
    REQUIRE(read);
    REQUIRE(read->size() == 2);
    CHECK((*read)[0].rank == s3_fifo::rank{.in_main = true, .uses = 3});
    CHECK((*read)[0].name == record_name(*a_response("http://a/1")));
    CHECK((*read)[1].rank == s3_fifo::rank{.in_main = false, .uses = 0});
    CHECK((*read)[1].name == record_name(*a_response("http://a/2", "accept-encoding")));
    CHECK(read_listing("")->empty());
}

TEST_CASE("listing: what is none is refused whole", "[cache][warm]")
{
    const std::string good = "m0 o:{" + hash + "}\n";
    REQUIRE(read_listing(good));
    REQUIRE(read_listing("s3 v:{" + hash + "}" + hash + "\n"));
    const std::string wrong[] = {
        "\n",
        "m0\n",
        "m0 \n",
        "m4 o:{" + hash + "}\n",
        "m/ o:{" + hash + "}\n",
        "x0 o:{" + hash + "}\n",
        "m0  o:{" + hash + "}\n",
        "m0 o:{" + hash + "}",
        "m0 o:{" + hash + "}\r\n",
        "m0 o:{" + hash + "}" + hash + "\n",
        "m0 v:{" + hash + "}\n",
        "m0 v:{" + hash + "}" + hash + "a\n",
        "m0 l:{" + hash + "}\n",
        "m0 o:{" + std::string(32, 'A') + "}\n",
        "m0 o:{" + hash.substr(1) + "}\n",
        "m0 o:" + hash + "\n",
        std::string{"m0 o:{\0", 7} + hash.substr(1) + "}\n",
    };
    for (const auto& line : wrong) {
        CAPTURE(line);
        CHECK_FALSE(read_listing(line));
        CHECK_FALSE(read_listing(good + line));
    }
}

TEST_CASE("listing: has as many lines as it may, and all of them fit", "[cache][warm]")
{
    std::string text;
    const auto longest = a_response("http://a/2", "accept-encoding");
    for (std::size_t i = 0; i < most_listed; ++i) append_line(text, *longest, {.in_main = true, .uses = 3});
    CHECK(text.size() <= most_listing_bytes);
    REQUIRE(read_listing(text));
    CHECK(read_listing(text)->size() == most_listed);
    append_line(text, *longest, {});
    CHECK_FALSE(read_listing(text));
    CHECK_FALSE(read_listing(std::string(most_listing_bytes + 1, 'm')));
}

TEST_CASE("listing: no bytes make it read beyond them", "[cache][warm]")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    std::string good;
    for (int i = 0; i < 20; ++i) append_line(good, *a_response(std::to_string(i), i % 2 == 0 ? "" : "a"), {});
    for (int round = 0; round < 5'000; ++round) {
        auto text = good.substr(0, random() % (good.size() + 1));
        for (auto changes = random() % 3; changes > 0 && !text.empty(); --changes)
            text[random() % text.size()] = static_cast<char>(random());
        const auto read = read_listing(text);
        if (!read) continue;
        for (const auto& one : *read) REQUIRE(is_record_name(one.name));
    }
}
