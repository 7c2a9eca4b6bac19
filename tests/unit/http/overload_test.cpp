// More to do than can be done in time: who is refused, who is not, and that nothing is begun too late.

#include <cstddef>
#include <vector>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

#include "common/core/clock.hpp"
#include "tests/unit/http/world.hpp"

namespace {

using namespace shoal;
using namespace std::chrono_literals;
using test::world;

const std::string get_slow{"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"};
const std::string get_root{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"};

/// A server whose requests for /slow wait until they may go on.
class scene {
public:
    explicit scene(const http::limits& bounds) : around{bounds, routes()}, gate_{around.loop, never} {}

    void open() { gate_.cancel(); }

    world around;
    std::size_t begun = 0;

private:
    static constexpr auto never = boost::asio::steady_timer::time_point::max();

    std::vector<http::route> routes()
    {
        auto made = world::default_routes();
        made.push_back({http::verb::get, "/slow", "slow", [this](http::request&) -> http::reply { return wait(); }});
        return made;
    }
    boost::asio::awaitable<http::response> wait()
    {
        ++begun;
        boost::system::error_code ignored;
        co_await gate_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        co_return http::response{200};
    }

    boost::asio::steady_timer gate_;
};

http::limits narrow()
{
    auto bounds = test::patient_limits();
    bounds.concurrency = {.least = 1, .most = 2};
    return bounds;
}

}  // namespace

TEST_CASE("overload: of what waits, no more than may; what needs no waiting is answered", "[http]")
{
    scene on{narrow()};
    auto& around = on.around;
    auto first = around.connect();
    auto second = around.connect();
    auto third = around.connect();
    first.send(get_slow);
    second.send(get_slow);
    REQUIRE(around.wait_for([&] { return on.begun == 2; }));

    third.send(get_slow);
    const auto refused = third.read_one();
    CHECK(refused.status == 503);
    CHECK(refused.header("retry-after") == "1");
    CHECK(on.begun == 2);
    third.send(get_root);
    CHECK(third.read_one().status == 200);
    CHECK(around.metric(R"(shoal_http_rejected_total{server="public",reason="overload"})") == 1);

    SECTION("an answer makes room")
    {
        on.open();
        CHECK(first.read_one().status == 200);
        CHECK(second.read_one().status == 200);
    }
    SECTION("a connection that goes makes room once its handler has ended")
    {
        first.close();
        second.close();
        on.open();
        REQUIRE(around.wait_for([&] { return around.server->connections() == 1; }));
    }
    third.send(get_slow);
    REQUIRE(around.wait_for([&] { return on.begun == 3; }));
    on.open();
    CHECK(third.read_one().status == 200);
}

TEST_CASE("overload: a server that is made slow answers one after the other", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.service_time = 5ms;
    world around{bounds};
    std::vector<test::client> clients;
    const auto began = boot_clock::now();
    for (int i = 0; i < 10; ++i) clients.push_back(around.connect());
    for (auto& one : clients) one.send(get_root);
    for (auto& one : clients) CHECK(one.read_one().body == "root");
    CHECK(boot_clock::now() - began >= 50ms);
}

TEST_CASE("overload: what has waited past its deadline is not begun", "[http]")
{
    auto bounds = test::patient_limits();
    bounds.service_time = 30ms;
    scene on{bounds};
    auto& around = on.around;
    auto before = around.connect();
    auto late = around.connect();
    before.send(get_root);
    CHECK(before.read_one().status == 200);
    before.send(get_root);
    late.send("GET /slow HTTP/1.1\r\nHost: a\r\nX-Request-Deadline-Ms: 10\r\n\r\n");
    CHECK(late.read_one().status == 504);
    CHECK(on.begun == 0);
    CHECK(before.read_one().status == 200);
}
