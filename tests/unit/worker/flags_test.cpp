#include "common/worker/flags.hpp"

#include <catch2/catch.hpp>

using namespace shoal::worker;

namespace {

command_line parse(std::vector<const char*> arguments)
{
    arguments.insert(arguments.begin(), "shoal-limiter");
    return parse_flags(static_cast<int>(arguments.size()), arguments.data(), "limiter");
}

}  // namespace

TEST_CASE("flags: a worker's whole command line", "[worker]")
{
    const auto read = parse({"--name",
                             "limiter-1",
                             "--generation",
                             "7",
                             "--config",
                             "c.json",
                             "--listen",
                             "unix:/run/l.sock",
                             "--listen",
                             "tcp:127.0.0.1:9001",
                             "--admin",
                             "unix:/run/l.admin",
                             "--redis-state",
                             "tcp:[::1]:6379",
                             "--redis-l2",
                             "unix:/run/l2.sock",
                             "--listen-site",
                             "unix:/run/l.site",
                             "--listen-site",
                             "tcp:127.0.0.1:9002",
                             "--log",
                             "json",
                             "--drain-deadline",
                             "2m",
                             "--warm-deadline",
                             "3"});
    REQUIRE(read.asked);
    REQUIRE(read.asked->name == "limiter-1");
    REQUIRE(read.asked->generation == 7);
    REQUIRE(read.asked->config == "c.json");
    REQUIRE(read.asked->listen.size() == 2);
    REQUIRE(read.asked->listen[0].unix_path == "/run/l.sock");
    REQUIRE(read.asked->listen[1].address == "127.0.0.1");
    REQUIRE(read.asked->listen[1].port == 9001);
    REQUIRE(read.asked->admin.unix_path == "/run/l.admin");
    REQUIRE(read.asked->redis_state->address == "::1");
    REQUIRE(read.asked->redis_l2->unix_path == "/run/l2.sock");
    REQUIRE(read.asked->listen_site.size() == 2);
    REQUIRE(read.asked->listen_site[0].unix_path == "/run/l.site");
    REQUIRE(read.asked->listen_site[1].port == 9002);
    REQUIRE(read.asked->log_style == shoal::log::style::json);
    REQUIRE(read.asked->drain_deadline == std::chrono::minutes{2});
    REQUIRE(read.asked->warm_deadline == std::chrono::seconds{3});
}

TEST_CASE("flags: --check-config needs nothing else", "[worker]")
{
    const auto read = parse({"--check-config", "--config", "c.json"});
    REQUIRE(read.asked);
    REQUIRE(read.asked->check_config);
}

TEST_CASE("flags: wrong usage ends with 2", "[worker]")
{
    const auto arguments = GENERATE(
        std::vector<const char*>{}, std::vector<const char*>{"--nonsense"},
        std::vector<const char*>{"--name", "a", "--listen", "unix:/a"},
        std::vector<const char*>{"--name", "a", "--admin", "unix:/a"},
        std::vector<const char*>{"--listen", "unix:/a", "--admin", "unix:/b"},
        std::vector<const char*>{"--name", "a", "--listen", "unix:/a", "--admin", "unix:/a"},
        std::vector<const char*>{"--name", "a", "--listen", "unix:/a", "--listen", "unix:/a", "--admin", "unix:/b"},
        std::vector<const char*>{"--name", "a", "--listen", "unix:/a", "--listen-site", "unix:/a", "--admin",
                                 "unix:/b"},
        std::vector<const char*>{"--name", "a", "--listen", "unix:/a", "--listen-site", "unix:/b", "--admin",
                                 "unix:/b"},
        std::vector<const char*>{"--name", "a", "--listen", "unix:/a", "--listen-site", "/b", "--admin", "unix:/c"},
        std::vector<const char*>{"--name", "a", "--listen", "unix:/a", "--redis-l2", "l2", "--admin", "unix:/c"},
        std::vector<const char*>{"--name", "a", "--listen", "/a", "--admin", "unix:/b"},
        std::vector<const char*>{"--name", "a", "--listen", "tcp:localhost:1", "--admin", "unix:/b"},
        std::vector<const char*>{"--name", "a", "--listen", "tcp:127.0.0.1:99999", "--admin", "unix:/b"},
        std::vector<const char*>{"--check-config", "--drain-deadline", "0"},
        std::vector<const char*>{"--check-config", "--generation", "-1"});
    const auto read = parse(arguments);
    REQUIRE_FALSE(read.asked);
    REQUIRE(read.exit_code == 2);
}

TEST_CASE("flags: a path that would not fit a socket's address is refused", "[worker]")
{
    const std::string path = "unix:/" + std::string(94, 'x');
    const auto read = parse({"--name", "a", "--listen", path.c_str(), "--admin", "unix:/b"});
    REQUIRE(read.exit_code == 2);
}

TEST_CASE("flags: --version and --help end with 0", "[worker]")
{
    REQUIRE(parse({"--version"}).exit_code == 0);
    REQUIRE(parse({"--help"}).exit_code == 0);
    REQUIRE_FALSE(parse({"--help"}).asked);
}
