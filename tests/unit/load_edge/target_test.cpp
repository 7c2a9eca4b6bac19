#include "tests/load/edge/target.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstring>
#include <ctime>

#include "tests/load/domain/bad_input.hpp"
#include "tests/load/edge/cpu.hpp"

using namespace shoal::load;
using Catch::Matchers::Contains;

namespace {

endpoint find(const std::string& host, bool remote_allowed = false)
{
    boost::asio::io_context loop;
    options asked;
    asked.target.host = host;
    asked.target.port = 8080;
    asked.remote_allowed = remote_allowed;
    return find_target(loop, asked);
}

}  // namespace

TEST_CASE("target: what loopback is, in both families", "[load]")
{
    using boost::asio::ip::make_address;
    for (const auto* const own : {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"})
        CHECK(is_loopback(make_address(own)));
    for (const auto* const other :
         {"0.0.0.0", "128.0.0.1", "10.0.0.1", "::", "::2", "::ffff:10.0.0.1", "fe80::1", "fc00::1"})
        CHECK_FALSE(is_loopback(make_address(other)));
}

TEST_CASE("target: another machine is loaded only where that is allowed", "[load]")
{
    CHECK_THROWS_WITH(find("192.0.2.1"), Contains("--target-is-mine --really"));
    const auto allowed = find("192.0.2.1", true);
    boost::asio::ip::tcp::endpoint address;
    std::memcpy(address.data(), allowed.data(), allowed.size());
    CHECK(address == boost::asio::ip::tcp::endpoint{boost::asio::ip::make_address("192.0.2.1"), 8080});
    CHECK_NOTHROW(find("127.0.0.1"));
    CHECK_THROWS_WITH(find("no such name"), Contains("has no address"));
}

TEST_CASE("target: a unix path that no socket can have is refused", "[load]")
{
    boost::asio::io_context loop;
    options asked;
    asked.unix_path = std::string(108, 'a');
    CHECK_THROWS_WITH(find_target(loop, asked), Contains("longer than 107"));
    asked.unix_path.pop_back();
    CHECK_NOTHROW(find_target(loop, asked));
}

TEST_CASE("cpu: the time of a process grows with its work, and is kept when it has ended", "[load]")
{
    const auto before = cpu_time(getpid());
    REQUIRE(before);
    const auto end = std::clock() + CLOCKS_PER_SEC / 20;
    while (std::clock() < end) {
    }
    CHECK(*cpu_time(getpid()) - *before >= std::chrono::milliseconds{45});

    CHECK_FALSE(cpu_time(1 << 30));
    CHECK_THROWS_WITH((cpu_watch{{{"gone", 1 << 30}}}), Contains("gone"));
    cpu_watch watch{{{"me", getpid()}}};
    watch.sample(2);
    CHECK(watch.all().front().samples.size() == 3);
    CHECK_FALSE(watch.all().front().ended);
}
