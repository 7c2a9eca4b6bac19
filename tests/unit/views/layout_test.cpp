// What the relay writes of views and services read.

#include "common/views/layout.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "common/coherence/tags.hpp"

using namespace shoal::views;

TEST_CASE("views: the directory says kind, generation, state and epoch", "[views]")
{
    const directory_entry one{kind::sorted_set, 1793063812000001, state::ready, 1793063812};
    CHECK(to_text(one) == "sorted_set 1793063812000001 ready 1793063812");
    CHECK(parse_directory_entry(to_text(one)) == one);
    const directory_entry other{kind::document, 1, state::failed, 0};
    CHECK(parse_directory_entry("document 1 failed 0") == other);
}

TEST_CASE("views: of the directory nothing else is taken for an entry", "[views]")
{
    for (const auto* text : {"", "document", "document 1 ready", "document 1 ready 2 3", "list 1 ready 2",
                             "document -1 ready 2", "document 1 read 2", "document  1 ready 2", "document 1 ready 2 ",
                             "document 1 ready 0x2", "document 18446744073709551616 ready 2"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_directory_entry(text));
    }
}

TEST_CASE("views: all keys are in the slot of the purge log", "[views]")
{
    CHECK(entry_key("product", 7, "a%20b,2") == "{cache}:view:product:7:a%20b,2");
    CHECK(index_key("product", 7) == "{cache}:view:product:7");
    CHECK(directory_key.starts_with("{cache}:"));
    CHECK(generations_key.starts_with("{cache}:"));
}

TEST_CASE("views: a name has few characters, so that it needs no encoding anywhere", "[views]")
{
    CHECK(is_name("by_category-2"));
    CHECK(is_name(std::string(64, 'a')));
    for (const auto& text : {std::string{}, std::string(65, 'a'), std::string{"A"}, std::string{"a b"},
                             std::string{"a:b"}, std::string{"a/b"}, std::string{"\xc3\xa4"}})
        CHECK_FALSE(is_name(text));
}

TEST_CASE("views: tags are what they always were, for workers of several versions share one log", "[views]")
{
    CHECK(entry_tag("product", "1") == shoal::coherence::tag_of(shoal::coherence::tag_kind::view, "product", "1"));
    CHECK(entry_tag("product", "1") != entry_tag("produc", "t1"));
    CHECK(view_tag("product") == shoal::coherence::tag_of(shoal::coherence::tag_kind::view, "product", ""));
    CHECK(static_cast<int>(shoal::coherence::tag_kind::view) == 6);
}
