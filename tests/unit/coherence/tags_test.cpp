// How tags are made.

#include "common/coherence/tags.hpp"

#include <vector>

#include <catch2/catch.hpp>

using namespace shoal::coherence;

TEST_CASE("tags: kind, site and text each make another one, and do not run into each other", "[cache]")
{
    const std::vector<tag> made{
        tag_of(tag_kind::url, "a.example", "/x"),     tag_of(tag_kind::url, "b.example", "/x"),
        tag_of(tag_kind::url, "a.example", "/y"),     tag_of(tag_kind::group, "a.example", "/x"),
        tag_of(tag_kind::url, "a.exampl", "e/x"),     tag_of(tag_kind::url, "", "a.example/x"),
        tag_of(tag_kind::site, "a.example", ""),      tag_of(tag_kind::all, "", ""),
        tag_of(tag_kind::surrogate, "", "a.example"),
    };
    for (std::size_t i = 0; i < made.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) CHECK(made[i] != made[j]);
}

TEST_CASE("tags: they are what they always were, for workers of several versions share one log", "[cache]")
{
    CHECK(tag_of(tag_kind::url, "a.example", "/x") == 0x34e2'28fb'b2bd'3f6f);
    CHECK(tag_of(tag_kind::site, "a.example", "") == 0x23cd'8546'2e8b'8c5e);
    CHECK(tag_of(tag_kind::all, "", "") == 0x8d04'5e8b'43ae'4903);
    CHECK(tag_of(tag_kind::surrogate, "", "article-1") == 0xb71f'66c4'ee4f'bc86);
    CHECK(tag_of(tag_kind::group, "a.example", "articles") == 0xe269'bb19'0b64'50a2);
}
