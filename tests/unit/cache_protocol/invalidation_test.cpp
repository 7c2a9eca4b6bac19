#include "services/cache/protocol/invalidation.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace shoal::cache;
using namespace shoal::cache::protocol;

namespace {

using field_list = std::vector<field_view>;
using strings = std::vector<std::string>;

strings targets(const field_list& fields)
{
    return invalidated_targets(fields, "shop.example", "/list/of?x=1");
}

/// What one Location names.
std::string target(std::string_view location)
{
    const auto found = targets({{"Location", location}});
    return found.empty() ? "" : found.front();
}

}  // namespace

TEST_CASE("invalidation: unsafe methods that succeeded (RFC 9111, 4.4)", "[cache_protocol]")
{
    for (const auto* const method : {"POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "whatever"}) {
        CAPTURE(method);
        for (const unsigned status : {200U, 201U, 204U, 302U, 303U}) CHECK(invalidates(kind_of(method), status));
        for (const unsigned status : {100U, 404U, 409U, 500U, 503U}) CHECK_FALSE(invalidates(kind_of(method), status));
    }
    for (const auto* const method : {"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"}) {
        CAPTURE(method);
        CHECK_FALSE(invalidates(kind_of(method), 200));
    }
}

TEST_CASE("invalidation: Location and Content-Location of the same host", "[cache_protocol]")
{
    CHECK(target("/a?b=c#d") == "/a?b=c");
    CHECK(target("http://shop.example/a") == "/a");
    CHECK(target("HTTPS://SHOP.example:443/a") == "/a");
    CHECK(target("http://shop.example:80") == "/");
    CHECK(target("http://shop.example?x") == "/?x");
    CHECK(target("//shop.example/a/../b/./c/") == "/b/c/");
    CHECK(target("new") == "/list/new");
    CHECK(target("./new/..") == "/list/");
    CHECK(target("../../../up") == "/up");
    CHECK(target("?y=2") == "/list/of?y=2");
    CHECK(target("of//twice") == "/list/of//twice");
    CHECK(targets({{"Location", "/b"}, {"Content-Location", "/a"}}) == strings{"/a", "/b"});
    CHECK(targets({{"Location", "/b"}, {"Content-Location", "/b"}}) == strings{"/b"});
}

TEST_CASE("invalidation: nothing of other hosts, other schemes, and nothing twice", "[cache_protocol]")
{
    for (const auto* const other : {"http://other.example/a", "//other.example/a", "http://shop.example:8080/a",
                                    "http://shop.example.evil/a", "http://user@shop.example/a", "ftp://shop.example/a",
                                    "mailto:x", "http:a", "", "#x", "/list/of?x=1", "http://shop.example:443/a"}) {
        CAPTURE(other);
        CHECK(target(other).empty());
    }
    CHECK(targets({}).empty());
    CHECK(invalidated_targets(field_list{{"Location", "http://h:8080/a"}}, "h:8080", "/") == strings{"/a"});
}

TEST_CASE("invalidation: keys of all makers", "[cache_protocol]")
{
    const auto found = read_keys(field_list{{"Surrogate-Key", "product-7  list"},
                                            {"xkey", "list x"},
                                            {"X", "no"},
                                            {"Cache-Tag", "a b, c,,"},
                                            {"cache-groups", "\"g 1\", \"g2\";p=1, token"}});
    CHECK(found.keys == strings{"a b", "c", "list", "product-7", "x"});
    CHECK(found.groups == strings{"g 1", "g2"});
    CHECK_FALSE(found.too_many);
    CHECK(read_keys(field_list{{"Cache-Groups", "not, \"closed"}}).groups.empty());
}

TEST_CASE("invalidation: more keys than can be kept are said to be too many", "[cache_protocol]")
{
    std::string most;
    for (std::size_t n = 0; n < most_keys; ++n) most += "k" + std::to_string(n) + " ";
    CHECK(read_keys(field_list{{"Surrogate-Key", most}}).keys.size() == most_keys);
    CHECK_FALSE(read_keys(field_list{{"Surrogate-Key", most}, {"xkey", "k1 k2"}}).too_many);
    CHECK(read_keys(field_list{{"Surrogate-Key", most + "other"}}).too_many);
    CHECK(read_keys(field_list{{"Surrogate-Key", most}, {"Cache-Groups", "\"g\""}}).too_many);
    const std::string longest(longest_key, 'k');
    CHECK_FALSE(read_keys(field_list{{"xkey", longest}}).too_many);
    const std::string longer = longest + "k";
    CHECK(read_keys(field_list{{"xkey", longer}}).too_many);
    const std::string group = "\"" + longer + "\"";
    CHECK(read_keys(field_list{{"Cache-Groups", group}}).too_many);
}

TEST_CASE("invalidation: groups that an answer voids (RFC 9875)", "[cache_protocol]")
{
    CHECK(invalidated_groups(field_list{{"Cache-Group-Invalidation", "\"b\", \"a\""},
                                        {"cache-group-invalidation", "\"b\""}}) == strings{"a", "b"});
    CHECK(invalidated_groups(field_list{{"Cache-Group-Invalidation", "\"b\","}}).empty());
    CHECK(invalidated_groups({}).empty());
}
