// Where the lines go: every kind of descriptor, willing or not.

#include "common/log/log.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

using namespace shoal::log;
using namespace std::chrono_literals;

namespace {

struct ends {
    int read = -1;
    int write = -1;

    ends() = default;
    ends(const ends&) = delete;
    ends& operator=(const ends&) = delete;
    ~ends()
    {
        if (read >= 0) close(read);
        if (write >= 0) close(write);
    }
    void close_reader() { close(std::exchange(read, -1)); }
    void close_writer() { close(std::exchange(write, -1)); }

    /// What can be read now.
    [[nodiscard]] std::string taken() const
    {
        fcntl(read, F_SETFL, fcntl(read, F_GETFL) | O_NONBLOCK);
        std::string text;
        std::array<char, 4096> piece{};
        ssize_t count = 0;
        while ((count = ::read(read, piece.data(), piece.size())) > 0)
            text.append(piece.data(), static_cast<std::size_t>(count));
        return text;
    }
};

struct pipe_ends : ends {
    pipe_ends() { REQUIRE(pipe2(&read, O_CLOEXEC) == 0); }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;
};

struct socket_ends : ends {
    socket_ends()
    {
        std::array<int, 2> both{};
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, both.data()) == 0);
        read = both[0];
        write = both[1];
    }
};

struct terminal_ends : ends {
    terminal_ends()
    {
        read = posix_openpt(O_RDWR | O_NOCTTY);
        REQUIRE(read >= 0);
        REQUIRE(grantpt(read) == 0);
        REQUIRE(unlockpt(read) == 0);
        write = open(ptsname(read), O_RDWR | O_NOCTTY);
        REQUIRE(write >= 0);
    }
};

/// While it lives no descriptor can be opened.
class no_more_descriptors {
public:
    no_more_descriptors()
    {
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
        REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    ~no_more_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
    no_more_descriptors(const no_more_descriptors&) = delete;
    no_more_descriptors& operator=(const no_more_descriptors&) = delete;

private:
    rlimit before_{};
};

std::vector<nlohmann::json> lines_of(const std::string& text)
{
    std::vector<nlohmann::json> lines;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
        lines.push_back(nlohmann::json::parse(text.substr(begin, end - begin), nullptr, false));
        INFO(text.substr(begin, end - begin));
        REQUIRE(lines.back().is_object());
    }
    CHECK(begin == text.size());  // the last line is whole, too
    return lines;
}

options to(int descriptor, std::size_t limit = 64 * 1024)
{
    return {
        .least = level::info, .descriptor = descriptor, .format = style::json, .worker = "w", .buffer_limit = limit};
}

/// Writes numbered lines into what nobody reads, then reads all: whole, in order, the gap named.
void check_unread(const ends& between, logger& writer)
{
    constexpr int count = 5'000;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) writer.info("a line of some length that nobody reads", {{"n", i}});
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    CHECK(writer.dropped() > 0);

    std::string text;
    for (std::string piece; !(piece = between.taken()).empty(); writer.flush()) text += piece;
    writer.info("after", {{"n", count}});
    text += between.taken();

    int next = 0;
    int notices = 0;
    for (const auto& line : lines_of(text)) {
        if (line.contains("lost")) {
            ++notices;
            CHECK(line["level"] == "warning");
            next += line["lost"].get<int>();
        } else {
            REQUIRE(line["n"] == next++);
        }
    }
    CHECK(next == count + 1);
    CHECK(notices == 1);
}

}  // namespace

TEST_CASE("logger: each call is one line, at once", "[log]")
{
    const pipe_ends pipe;
    logger writer{to(pipe.write)};
    writer.info("one");
    writer.warning("two", {{"k", "v"}});
    const auto lines = lines_of(pipe.taken());
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["msg"] == "one");
    CHECK(lines[0]["level"] == "info");
    CHECK(lines[0]["worker"] == "w");
    CHECK(lines[1]["k"] == "v");
    CHECK(writer.dropped() == 0);
}

TEST_CASE("logger: what is below the level is not written, and the level can change", "[log]")
{
    const pipe_ends pipe;
    logger writer{to(pipe.write)};
    writer.debug("no");
    writer.set_level(level::error);
    writer.info("no");
    writer.warning("no");
    writer.error("yes");
    writer.set_level(level::debug);
    writer.debug("yes");
    const auto lines = lines_of(pipe.taken());
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["level"] == "error");
    CHECK(lines[1]["level"] == "debug");
}

TEST_CASE("logger: a pipe that nobody reads never blocks, loses whole lines and says how many", "[log]")
{
    const pipe_ends pipe;
    const int flags = fcntl(pipe.write, F_GETFL);
    logger writer{to(pipe.write)};
    check_unread(pipe, writer);
    CHECK(fcntl(pipe.write, F_GETFL) == flags);
}

TEST_CASE("logger: the same when the pipe can't be opened a second time", "[log]")
{
    const pipe_ends pipe;
    fcntl(pipe.write, F_SETPIPE_SZ, 4096);  // less than what waits, so that one long write would block
    std::optional<logger> writer;
    {
        const no_more_descriptors now;
        writer.emplace(to(pipe.write));
    }
    check_unread(pipe, *writer);
}

TEST_CASE("logger: a socket that nobody reads never blocks", "[log]")
{
    const socket_ends sockets;
    const int flags = fcntl(sockets.write, F_GETFL);
    logger writer{to(sockets.write)};
    check_unread(sockets, writer);
    CHECK(fcntl(sockets.write, F_GETFL) == flags);
}

TEST_CASE("logger: a terminal that shows nothing never blocks", "[log]")
{
    const terminal_ends terminal;
    const int flags = fcntl(terminal.write, F_GETFL);
    logger writer{to(terminal.write)};
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 5'000; ++i) writer.info("a line of some length that nobody reads");
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    CHECK(writer.dropped() > 0);
    CHECK_FALSE(terminal.taken().empty());
    CHECK(fcntl(terminal.write, F_GETFL) == flags);
}

TEST_CASE("logger: a pipe whose reader is gone does not end the process", "[log]")
{
    pipe_ends pipe;
    logger writer{to(pipe.write, 4096)};
    writer.info("read");
    pipe.close_reader();
    for (int i = 0; i < 1000; ++i) writer.info("into the void");
    writer.flush();
    CHECK(writer.dropped() > 900);
}

TEST_CASE("logger: a descriptor that is closed or read-only loses lines and nothing else", "[log]")
{
    pipe_ends pipe;
    logger reading{to(pipe.read, 4096)};
    const int closed = dup(pipe.write);
    close(closed);
    logger nowhere{to(closed, 4096)};
    for (int i = 0; i < 1000; ++i) {
        reading.info("x");
        nowhere.info("x");
    }
    CHECK(pipe.taken().empty());
    CHECK(reading.dropped() > 900);
    CHECK(nowhere.dropped() > 900);
}

TEST_CASE("logger: what was kept goes out later, with nothing lost", "[log]")
{
    const pipe_ends pipe;
    fcntl(pipe.write, F_SETPIPE_SZ, 4096);
    logger writer{to(pipe.write)};
    for (int i = 0; i < 500; ++i) writer.info("kept", {{"n", i}});
    std::string text;
    for (std::string piece; !(piece = pipe.taken()).empty(); writer.flush()) text += piece;
    CHECK(lines_of(text).size() == 500);
    CHECK(writer.dropped() == 0);
}

TEST_CASE("logger: the lost are reported by flush alone, when nothing more is said", "[log]")
{
    const pipe_ends pipe;
    logger writer{to(pipe.write, 1000)};
    while (writer.dropped() < 5) writer.info("x");
    std::string text;
    for (std::string piece; !(piece = pipe.taken()).empty(); writer.flush()) text += piece;
    CHECK(lines_of(text).back()["lost"] == 5);
}

TEST_CASE("logger: lines longer than a pipe takes at once arrive whole", "[log]")
{
    const pipe_ends pipe;
    fcntl(pipe.write, F_SETPIPE_SZ, 4096);
    logger writer{to(pipe.write, 256 * 1024)};
    const std::string longest(8192, 'x');
    for (int i = 0; i < 5; ++i) writer.info(longest, {{"more", longest}});
    std::string text;
    for (std::string piece; !(piece = pipe.taken()).empty(); writer.flush()) text += piece;
    const auto lines = lines_of(text);
    REQUIRE(lines.size() == 5);
    for (const auto& line : lines) CHECK(line["more"] == longest);
}

TEST_CASE("logger: the end of a logger writes what it can", "[log]")
{
    const pipe_ends pipe;
    fcntl(pipe.write, F_SETPIPE_SZ, 4096);
    std::string text;
    {
        logger writer{to(pipe.write)};
        for (int i = 0; i < 80; ++i) writer.info("kept");
        text = pipe.taken();
    }
    text += pipe.taken();
    CHECK(text.size() > 4096);
}

TEST_CASE("logger: a file gets lines in text style without colour", "[log]")
{
    const pipe_ends pipe;
    options chosen = to(pipe.write);
    chosen.format = style::text;
    logger writer{chosen};
    writer.error("plain");
    CHECK(pipe.taken().substr(13) == "error   w: plain\n");
    CHECK(style_for(pipe.write) == style::json);
}

TEST_CASE("logger: colour is for a terminal whose user does not refuse it", "[log]")
{
    const terminal_ends terminal;
    CHECK(style_for(terminal.write) == style::text);
    options chosen = to(terminal.write);
    chosen.format = style::text;
    const auto coloured = [&] {
        logger writer{chosen};
        writer.error("m");
        return terminal.taken().find("\x1b[31m") != std::string::npos;
    };
    unsetenv("NO_COLOR");
    CHECK(coloured());
    setenv("NO_COLOR", "", 1);
    CHECK(coloured());
    setenv("NO_COLOR", "1", 1);
    CHECK_FALSE(coloured());
    unsetenv("NO_COLOR");
}
