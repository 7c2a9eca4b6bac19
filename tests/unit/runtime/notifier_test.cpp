// What a manager hears on a socket of its own.

#include "common/runtime/notifier.hpp"

#include "tests/support/temp_folder.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <cstdlib>
#include <string>

#include <boost/asio/local/datagram_protocol.hpp>

#include <sys/socket.h>
#include <unistd.h>

using namespace shoal;
using namespace std::chrono_literals;

namespace {

class manager {
public:
    explicit manager(const std::string& address)
    {
        const boost::asio::local::datagram_protocol::endpoint where{address};
        descriptor_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        REQUIRE(bind(descriptor_, where.data(), static_cast<socklen_t>(where.size())) == 0);
    }
    ~manager() { close(descriptor_); }
    manager(const manager&) = delete;
    manager& operator=(const manager&) = delete;

    /// The next message; empty when there is none.
    [[nodiscard]] std::string hear() const
    {
        std::array<char, 256> text{};
        const auto count = recv(descriptor_, text.data(), text.size(), 0);
        return count < 0 ? std::string{} : std::string(text.data(), static_cast<std::size_t>(count));
    }

private:
    int descriptor_ = -1;
};

/// The environment that a manager gives, for the time of a test.
struct given_environment {
    given_environment(const std::string& socket, const std::string& microseconds, const std::string& process)
    {
        setenv("NOTIFY_SOCKET", socket.c_str(), 1);
        setenv("WATCHDOG_USEC", microseconds.c_str(), 1);
        setenv("WATCHDOG_PID", process.c_str(), 1);
    }
    ~given_environment()
    {
        for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
    }
    given_environment(const given_environment&) = delete;
    given_environment& operator=(const given_environment&) = delete;
};

constexpr boot_time start{1h};

}  // namespace

TEST_CASE("notifier: the manager hears of serving and of ending", "[runtime]")
{
    const test::temp_folder folder;
    const manager systemd{folder.file("notify")};
    runtime::notifier notifier{{.socket = folder.file("notify")}};
    REQUIRE(systemd.hear().empty());
    notifier.ready();
    REQUIRE(systemd.hear() == "READY=1");
    notifier.stopping();
    REQUIRE(systemd.hear() == "STOPPING=1");
    notifier.turned(start);
    REQUIRE(systemd.hear().empty());
}

TEST_CASE("notifier: a name that begins with @ has no file", "[runtime]")
{
    const std::string name = "shoal-notifier-test-" + std::to_string(getpid());
    const manager systemd{'\0' + name};
    runtime::notifier notifier{{.socket = '@' + name}};
    notifier.ready();
    REQUIRE(systemd.hear() == "READY=1");
}

TEST_CASE("notifier: a loop that turns is told of twice within the manager's patience", "[runtime]")
{
    const test::temp_folder folder;
    const manager systemd{folder.file("notify")};
    runtime::notifier notifier{{.socket = folder.file("notify"), .patience = 10s}};
    int heard = 0;
    for (auto now = start; now < start + 10s; now += 25ms) {
        notifier.turned(now);
        for (auto text = systemd.hear(); !text.empty(); text = systemd.hear()) {
            REQUIRE(text == "WATCHDOG=1");
            ++heard;
        }
    }
    REQUIRE(heard == 2);
}

TEST_CASE("notifier: what the manager does not take is sent again", "[runtime]")
{
    const test::temp_folder folder;
    runtime::notifier notifier{{.socket = folder.file("notify"), .patience = 10s}};
    notifier.ready();
    notifier.turned(start);
    const manager systemd{folder.file("notify")};
    notifier.turned(start + 25ms);
    REQUIRE(systemd.hear() == "READY=1");
    REQUIRE(systemd.hear() == "WATCHDOG=1");
    notifier.turned(start + 50ms);
    REQUIRE(systemd.hear().empty());
}

TEST_CASE("notifier: the environment says who asked", "[runtime]")
{
    using runtime::notifier;
    const auto self = std::to_string(getpid());
    REQUIRE(notifier::from_environment().socket.empty());
    {
        const given_environment of{"/run/systemd/notify", "10000000", self};
        REQUIRE(notifier::from_environment().socket == "/run/systemd/notify");
        REQUIRE(notifier::from_environment().patience == 10s);
    }
    {
        const given_environment of{"@notify", "10000000", "1"};
        REQUIRE(notifier::from_environment().socket == "@notify");
        REQUIRE(notifier::from_environment().patience == 0s);
    }
    {
        const given_environment of{"@notify", "soon", ""};
        REQUIRE(notifier::from_environment().patience == 0s);
    }
    for (const auto& unknown : {std::string{"vsock:2:1234"}, "/" + std::string(120, 'x')}) {
        const given_environment of{unknown, "10000000", self};
        REQUIRE(notifier::from_environment().socket.empty());
    }
}

TEST_CASE("notifier: without a manager nothing is said", "[runtime]")
{
    runtime::notifier notifier{{}};
    notifier.ready();
    notifier.turned(start);
    notifier.stopping();
}
