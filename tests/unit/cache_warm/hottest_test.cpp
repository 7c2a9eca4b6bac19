// The listing as the private socket answers it.

#include "services/cache/warm/hottest.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <variant>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "services/cache/warm/listing.hpp"

using namespace shoal;
using namespace shoal::cache;
namespace asio = boost::asio;

namespace {

stored_ptr a_response(int number)
{
    stored_parts made;
    made.key = "http://a/" + std::to_string(number);
    return stored::make(made);
}

asio::awaitable<void> keep(http::reply reply, std::optional<http::response>& into)
{
    into.emplace(co_await std::get<asio::awaitable<http::response>>(std::move(reply)));
}

struct world {
    asio::io_context loop{1};
    memory kept{std::uint64_t{256} * 1024 * 1024, 1};
    http::route route = hottest_route(loop, kept);
    std::optional<http::response> answer;

    void ask()
    {
        http::request asked;
        asio::co_spawn(loop, keep(route.handle(asked), answer), asio::detached);
    }
};

}  // namespace

TEST_CASE("hottest: lists what is in memory, the newest of equals first", "[cache][warm]")
{
    world at;
    for (int i = 0; i < 3; ++i) at.kept.insert(a_response(i));
    at.ask();
    at.loop.run();
    REQUIRE(at.answer);
    CHECK(at.answer->status() == 200);
    std::string expected;
    for (int i = 2; i >= 0; --i) append_line(expected, *a_response(i), {});
    CHECK(at.answer->body() == expected);
}

TEST_CASE("hottest: others get their turns between, and may change everything", "[cache][warm]")
{
    world at;
    for (int i = 0; i < 10'000; ++i) at.kept.insert(a_response(i));
    at.ask();
    int turns = 0;
    while (!at.answer) {
        at.loop.run_one();
        if (++turns == 5) at.kept.clear();
    }
    CHECK(turns >= 5);
    const auto read = read_listing(at.answer->body());
    REQUIRE(read);
    CHECK(read->size() >= 500);
    CHECK(read->size() < 5'000);
}

TEST_CASE("hottest: a listing is bounded", "[cache][warm]")
{
    world at;
    for (std::size_t i = 0; i < most_listed + 1'000; ++i) at.kept.insert(a_response(static_cast<int>(i)));
    REQUIRE(at.kept.total().objects == most_listed + 1'000);
    at.ask();
    at.loop.run();
    const auto read = read_listing(at.answer->body());
    REQUIRE(read);
    CHECK(read->size() == most_listed);
}
