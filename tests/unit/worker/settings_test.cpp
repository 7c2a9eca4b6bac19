#include "common/worker/settings.hpp"

#include "common/config/reader.hpp"
#include "common/worker/parts.hpp"
#include "common/worker/service.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <fstream>

using namespace shoal;
using namespace std::chrono_literals;

namespace {

/// A service with one setting.
class echo final : public worker::service {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "echo"; }
    [[nodiscard]] std::function<void()> read(config::object& section, const worker::facts& known) override
    {
        const auto word = section.text("word", "none");
        section.done();
        return [this, word, known] {
            in_force = word + std::to_string(known.version) + "/" + std::to_string(known.workers);
        };
    }
    [[nodiscard]] nlohmann::json effective() const override { return {{"word", in_force}}; }
    [[nodiscard]] std::vector<http::route> start(const worker::context&) override { return {}; }

    std::string in_force = "unset";
};

/// A file of the test's own, gone at its end.
class file {
public:
    explicit file(const std::string& text)
    {
        const int descriptor = mkstemp(path_.data());
        REQUIRE(descriptor >= 0);
        close(descriptor);
        std::ofstream{path_} << text;
    }
    ~file() { unlink(path_.c_str()); }
    file(const file&) = delete;
    file& operator=(const file&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/shoal-settings-XXXXXX";
};

std::string problems_of(const std::string& text)
{
    const file config{text};
    echo service;
    try {
        (void)worker::read_settings(config.path(), service);
    } catch (const config::error& wrong) {
        REQUIRE(service.in_force == "unset");
        return wrong.what();
    }
    return {};
}

}  // namespace

TEST_CASE("settings: no file means the defaults", "[worker]")
{
    echo service;
    const auto read = worker::read_settings("", service);
    REQUIRE(read.slow == 100ms);
    REQUIRE(read.http.body == 64 * 1024);
    REQUIRE(service.in_force == "unset");
    read.apply_service();
    REQUIRE(service.in_force == "none0/1");
}

TEST_CASE("settings: every section is read, another service's is left to it", "[worker]")
{
    const file secret{"s3cret\n"};
    const file config{R"({"version":9,"http":{"max_body":1024,"max_site_body":4096,"idle_timeout":"30s"},
        "log":{"level":"debug","slow":"5ms"},
        "redis":{"command_timeout":"50ms","l2":{"unix":"/run/l2.sock"},"state":{"address":"127.0.0.1","port":7000,"username":"u",
                 "password_file":")" +
                      secret.path() + R"("}},
        "fleet":{"workers":{"echo":4,"other":"x"}},
        "services":{"echo":{"word":"hello"},"other":{"anything":[1]}}})"};
    echo service;
    const auto read = worker::read_settings(config.path(), service);
    read.apply_service();
    REQUIRE(read.known.version == 9);
    REQUIRE(read.http.body == 1024);
    REQUIRE(read.site_body == 4096);
    REQUIRE(read.http.idle == 30s);
    REQUIRE(read.log_level == log::level::debug);
    REQUIRE(read.slow == 5ms);
    REQUIRE(read.redis_timeout == 50ms);
    REQUIRE(read.redis_state.address == "127.0.0.1");
    REQUIRE(read.redis_state.port == 7000);
    REQUIRE(read.redis_state.username == "u");
    REQUIRE(read.redis_state.password == "s3cret");
    REQUIRE(service.in_force == "hello9/4");
    REQUIRE(read.redis_l2.unix_path == "/run/l2.sock");
    REQUIRE_THAT(worker::to_json(read).dump(), !Catch::Contains("s3cret"));
}

TEST_CASE("settings: what is wrong is refused whole, with its path", "[worker]")
{
    const auto [text, path] = GENERATE(table<std::string, std::string>({
        {R"({"sevices":{}})", "$.sevices"},
        {R"({"http":{"max_body":-1}})", "$.http.max_body"},
        {R"({"http":{"max_bodies":1}})", "$.http.max_bodies"},
        {R"({"http":{"idle_timeout":"soon"}})", "$.http.idle_timeout"},
        {R"({"http":{"max_request_line":20000}})", "$.http.max_request_line"},
        {R"({"log":{"level":"loud"}})", "$.log.level"},
        {R"({"redis":{"state":{"address":"localhost"}}})", "$.redis.state.address"},
        {R"({"redis":{"l2":{}}})", "$.redis.l2.unix"},
        {R"({"redis":{"l2":{"memory":"64"}}})", "$.redis.l2.memory"},
        {R"({"redis":{"l2":{"memory":"1kb"}}})", "$.redis.l2.memory"},
        {R"({"redis":{"l2":{"memory":"1gb","unix":"/a"}}})", "$.redis.l2.unix"},
        {R"({"redis":{"l3":{}}})", "$.redis.l3"},
        {R"({"http":{"max_site_body":-1}})", "$.http.max_site_body"},
        {R"({"redis":{"state":{}}})", "$.redis.state.unix"},
        {R"({"redis":{"state":{"unix":"/a","address":"::1"}}})", "$.redis.state.unix"},
        {R"({"redis":{"state":{"unix":"/a","password_file":"/nowhere/at/all"}}})", "$.redis.state.password_file"},
        {R"({"redis":{"state":{"unix":"/a","password_file":"/dev/null"}}})", "$.redis.state.password_file"},
        {R"({"redis":{"state":{"unix":"/a","username":"u"}}})", "$.redis.state.username"},
        {R"({"services":{"echo":{"wrod":"x"}}})", "$.services.echo.wrod"},
        {R"({"services":[]})", "$.services"},
        {R"({"fleet":{"workers":{"echo":0}}})", "$.fleet.workers.echo"},
        {R"({"fleet":{"workers":{"echo":1025}}})", "$.fleet.workers.echo"},
        {R"({"fleet":{"workers":{"echo":"2"}}})", "$.fleet.workers.echo"},
        {R"({"fleet":{"workers":4}})", "$.fleet.workers"},
        {R"({"fleet":{"wokers":{}}})", "$.fleet.wokers"},
        {R"([])", "$"},
    }));
    CAPTURE(text);
    REQUIRE_THAT(problems_of(text), Catch::Contains(": " + path + ": "));
}

TEST_CASE("settings: how much memory the fleet's own l2 has is not where another is", "[worker]")
{
    const file config{R"({"redis":{"l2":{"memory":"256mb"}}})"};
    echo service;
    const auto read = worker::read_settings(config.path(), service);
    REQUIRE(read.redis_l2.unix_path.empty());
    REQUIRE(read.redis_l2.address.empty());
    REQUIRE_FALSE(worker::l2_options({}, read).has_value());
    worker::flags given;
    given.redis_l2 = worker::socket_name{.unix_path = "/run/own.sock"};
    REQUIRE(worker::l2_options(given, read)->where.unix_path == "/run/own.sock");
    REQUIRE(worker::l2_options(given, read)->name == "l2");
}

TEST_CASE("settings: the configuration's Redis goes before the command line's", "[worker]")
{
    const file config{R"({"redis":{"l2":{"unix":"/run/b"},"state":{"unix":"/run/a"}}})"};
    echo service;
    const auto read = worker::read_settings(config.path(), service);
    worker::flags given;
    given.redis_state = worker::socket_name{.unix_path = "/run/x"};
    given.redis_l2 = worker::socket_name{.unix_path = "/run/y"};
    REQUIRE(worker::l2_options(given, read)->where.unix_path == "/run/b");
    REQUIRE(worker::state_options(given, read).where.unix_path == "/run/a");
    REQUIRE(worker::state_options(given, read).name == "state");
}

TEST_CASE("settings: a front for sites shares the descriptors, and takes longer bodies", "[worker]")
{
    worker::settings read;
    read.http.connections = 1'000'000;
    worker::flags plain;
    plain.listen.push_back({.unix_path = "/a"});
    worker::flags fronting = plain;
    fronting.listen_site.push_back({.unix_path = "/b"});
    const auto alone = worker::http_limits(plain, read);
    const auto shared = worker::http_limits(fronting, read);
    REQUIRE(shared.connections == alone.connections / 3);
    REQUIRE(shared.body == read.http.body);
    const auto site = worker::site_limits(fronting, read);
    REQUIRE(site.connections == shared.connections);
    REQUIRE(site.body == std::size_t{1} << 30);
}

TEST_CASE("settings: a reload leaves alone what only a start takes", "[worker]")
{
    worker::settings in_force;
    worker::settings fresh;
    fresh.known.version = 7;
    fresh.slow = 1s;
    REQUIRE_FALSE(in_force.replace(fresh));
    REQUIRE(in_force.known.version == 7);
    REQUIRE(in_force.slow == 1s);
    fresh.site_body = 1;
    fresh.redis_l2.unix_path = "/elsewhere";
    REQUIRE(in_force.replace(fresh));
    REQUIRE(in_force.site_body == std::size_t{1} << 30);
    REQUIRE(in_force.redis_l2.unix_path.empty());
}

TEST_CASE("settings: two problems are both named", "[worker]")
{
    const auto problems = problems_of(R"({"log":{"level":"loud"},"services":{"echo":{"wrod":"x"}}})");
    REQUIRE_THAT(problems, Catch::Contains("$.log.level") && Catch::Contains("$.services.echo.wrod"));
}

TEST_CASE("settings: how many requests may wait", "[worker]")
{
    echo service;
    const file config{R"({"http":{"concurrency":{"least":8,"most":100},"test":{"service_time":"1ms"}}})"};
    const auto read = worker::read_settings(config.path(), service);
    REQUIRE(read.http.concurrency);
    CHECK(read.http.concurrency->least == 8);
    CHECK(read.http.concurrency->most == 100);
    CHECK(read.http.service_time == 1ms);
    CHECK(worker::to_json(read)["http"]["concurrency"]["most"] == 100);
    CHECK(worker::read_settings("", service).http.concurrency);
    CHECK_THAT(problems_of(R"({"http":{"concurrency":{"least":9,"most":8}}})"), Catch::Contains("$.http.concurrency"));
}
