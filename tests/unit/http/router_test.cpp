#include "common/http/router.hpp"

#include <stdexcept>

#include <catch2/catch.hpp>

namespace {

using namespace shoal::http;

router make_router(const std::vector<std::pair<verb, std::string_view>>& table)
{
    std::vector<route> routes;
    for (const auto& [method, pattern] : table)
        routes.push_back({method, pattern, pattern, [](request&) -> reply { return response{200}; }});
    return router{std::move(routes)};
}

router::match find(const router& in, verb method, std::string_view path, request& from)
{
    from.method = method;
    from.path = path;
    return in.find(from);
}

std::string_view found(const router& in, verb method, std::string_view path)
{
    request from;
    const auto match = find(in, method, path, from);
    return match.found == nullptr ? "" : match.found->pattern;
}

}  // namespace

TEST_CASE("router: a placeholder takes one segment, raw and not empty", "[http]")
{
    const auto table = make_router({{verb::post, "/v1/limits/{rule}/{key}"}});
    request from;
    REQUIRE(find(table, verb::post, "/v1/limits/demo/a%2Fb%20c", from).found != nullptr);
    CHECK(from.parameters[0] == "demo");
    CHECK(from.parameters[1] == "a%2Fb%20c");
    for (const std::string_view path : {"/v1/limits/demo/", "/v1/limits//a", "/v1/limits/demo", "/v1/limits/demo/a/",
                                        "/v1/limits/demo/a/b", "/V1/limits/demo/a", "v1/limits/demo/a", ""})
        CHECK(found(table, verb::post, path).empty());
}

TEST_CASE("router: a literal segment goes before a placeholder, in whatever order they stand", "[http]")
{
    for (const auto& table : {make_router({{verb::get, "/a/{x}"}, {verb::get, "/a/b"}, {verb::get, "/{y}/b"}}),
                              make_router({{verb::get, "/{y}/b"}, {verb::get, "/a/b"}, {verb::get, "/a/{x}"}})}) {
        CHECK(found(table, verb::get, "/a/b") == "/a/b");
        CHECK(found(table, verb::get, "/a/c") == "/a/{x}");
        CHECK(found(table, verb::get, "/c/b") == "/{y}/b");
    }
}

TEST_CASE("router: a trailing slash is another path", "[http]")
{
    const auto table = make_router({{verb::get, "/"}, {verb::get, "/a"}, {verb::post, "/b/"}});
    CHECK(found(table, verb::get, "/") == "/");
    CHECK(found(table, verb::get, "/a") == "/a");
    CHECK(found(table, verb::get, "/a/").empty());
    CHECK(found(table, verb::post, "/b").empty());
    CHECK(found(table, verb::post, "/b/") == "/b/");
}

TEST_CASE("router: the methods of a path are told when another one is asked for", "[http]")
{
    const auto table = make_router({{verb::post, "/a/{x}"}, {verb::get, "/a/b"}, {verb::delete_, "/a/{x}"}});
    request from;
    CHECK(find(table, verb::put, "/a/b", from).allowed == "DELETE, GET, HEAD, POST");
    CHECK(find(table, verb::unknown, "/a/c", from).allowed == "DELETE, POST");
    CHECK(find(table, verb::get, "/b", from).allowed.empty());
}

TEST_CASE("router: HEAD is answered by GET unless it has a route of its own", "[http]")
{
    CHECK(found(make_router({{verb::get, "/a"}}), verb::head, "/a") == "/a");
    request from;
    const auto both = make_router({{verb::get, "/a"}, {verb::head, "/a"}});
    CHECK(find(both, verb::head, "/a", from).found->method == verb::head);
    CHECK(find(both, verb::get, "/a", from).found->method == verb::get);
}

TEST_CASE("router: a route for any method takes what no other of its pattern does", "[http]")
{
    for (const auto& table : {make_router({{any_method, "/a/{x}"}, {verb::get, "/a/{y}"}, {verb::get, "/b"}}),
                              make_router({{verb::get, "/b"}, {verb::get, "/a/{y}"}, {any_method, "/a/{x}"}})}) {
        for (const auto method : {verb::post, verb::delete_, verb::options, verb::unknown})
            CHECK(found(table, method, "/a/1") == "/a/{x}");
        CHECK(found(table, verb::get, "/a/1") == "/a/{y}");
        CHECK(found(table, verb::head, "/a/1") == "/a/{y}");
        CHECK(found(table, verb::post, "/b").empty());
    }
    const auto literal = make_router({{verb::get, "/a/{x}"}, {any_method, "/a/b"}});
    CHECK(found(literal, verb::get, "/a/b") == "/a/b");
    CHECK(found(literal, verb::head, "/a/b") == "/a/b");
    CHECK(found(literal, verb::get, "/a/c") == "/a/{x}");
}

TEST_CASE("router: a path with more segments than any route matches nothing", "[http]")
{
    const auto table = make_router({{verb::get, "/a"}});
    std::string path;
    for (int i = 0; i < 100; ++i) path += "/a";
    CHECK(found(table, verb::get, path).empty());
}

TEST_CASE("router: a wrong table is refused at the start", "[http]")
{
    for (const std::string_view pattern : {"a", "", "/{a}/{b}/{c}/{d}/{e}", "/a{b}", "/{}", "/a//b", "/{a"})
        CHECK_THROWS_AS(make_router({{verb::get, pattern}}), std::logic_error);
    CHECK_THROWS_AS(make_router({{verb::get, "/a/{x}"}, {verb::get, "/a/{y}"}}), std::logic_error);
    CHECK_THROWS_AS(make_router({{any_method, "/a/{x}"}, {any_method, "/a/{y}"}}), std::logic_error);
    CHECK_NOTHROW(make_router({{verb::get, "/a/{x}"}, {verb::post, "/a/{y}"}, {any_method, "/a/{z}"}}));
}
