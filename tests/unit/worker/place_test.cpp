#include "common/worker/place.hpp"

#include "tests/support/temp_folder.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>

using namespace shoal::worker;
using shoal::test::temp_folder;

namespace {

/// How many names there are beside `file`.
std::size_t names_beside(const std::string& file)
{
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator{std::filesystem::path{file}.parent_path()}, {}));
}

sockaddr_un address_of(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), static_cast<char*>(address.sun_path));
    return address;
}

/// A listening unix socket; accepts when asked.
class listener {
public:
    explicit listener(const std::string& path) : descriptor_{socket(AF_UNIX, SOCK_STREAM, 0)}
    {
        const auto address = address_of(path);
        REQUIRE(bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(listen(descriptor_, 16) == 0);
    }
    ~listener() { close(descriptor_); }
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    [[nodiscard]] int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

/// True when a connection to `path` arrives at `at`.
bool leads_to(const std::string& path, const listener& at)
{
    const int client = socket(AF_UNIX, SOCK_STREAM, 0);
    const auto address = address_of(path);
    const bool connected = connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const int accepted = connected ? accept4(at.descriptor(), nullptr, nullptr, SOCK_NONBLOCK) : -1;
    if (accepted >= 0) close(accepted);
    close(client);
    return accepted >= 0;
}

place make_place(const temp_folder& in, std::int64_t generation, char digit)
{
    return place{in.file("limiter-1.lock"),
                 {in.file("limiter-1.admin"), in.file("limiter-1.sock")},
                 {.generation = generation, .incarnation = std::string(32, digit)}};
}

/// A process of the place: its two listeners, which it publishes.
struct process_of_place {
    process_of_place(const temp_folder& in, std::int64_t generation, char digit)
        : where{make_place(in, generation, digit)},
          admin{where.own_name(in.file("limiter-1.admin"))},
          main{where.own_name(in.file("limiter-1.sock"))}
    {
    }

    place where;
    listener admin;
    listener main;
};

}  // namespace

TEST_CASE("place: publishing makes the place's names lead to the process and leaves no other name", "[worker]")
{
    const temp_folder run;
    process_of_place first{run, 1, 'a'};
    REQUIRE(first.where.publish());
    REQUIRE(leads_to(run.file("limiter-1.sock"), first.main));
    REQUIRE(leads_to(run.file("limiter-1.admin"), first.admin));
    REQUIRE(first.where.look() == possession::held);
    REQUIRE(names_beside(run.file("x")) == 3);
}

TEST_CASE("place: a newer generation takes over, and the older one sees it", "[worker]")
{
    const temp_folder run;
    process_of_place first{run, 1, 'a'};
    REQUIRE(first.where.publish());
    process_of_place second{run, 2, 'b'};
    REQUIRE(second.where.publish());
    REQUIRE(leads_to(run.file("limiter-1.sock"), second.main));
    REQUIRE(first.where.look() == possession::taken_over);
    REQUIRE(second.where.look() == possession::held);
}

TEST_CASE("place: an older generation never takes the place back", "[worker]")
{
    const temp_folder run;
    process_of_place second{run, 2, 'b'};
    REQUIRE(second.where.publish());
    process_of_place first{run, 1, 'a'};
    REQUIRE_FALSE(first.where.publish());
    REQUIRE(leads_to(run.file("limiter-1.sock"), second.main));
    REQUIRE(second.where.look() == possession::held);
    REQUIRE(names_beside(run.file("x")) == 3);
}

TEST_CASE("place: a second copy of the same generation takes over, as after a restarted supervisor", "[worker]")
{
    const temp_folder run;
    process_of_place orphan{run, 5, 'a'};
    REQUIRE(orphan.where.publish());
    process_of_place copy{run, 5, 'b'};
    REQUIRE(copy.where.publish());
    REQUIRE(orphan.where.look() == possession::taken_over);
    REQUIRE(copy.where.look() == possession::held);
}

TEST_CASE("place: connections made before the rename still reach the old process", "[worker]")
{
    const temp_folder run;
    process_of_place first{run, 1, 'a'};
    REQUIRE(first.where.publish());
    const int client = socket(AF_UNIX, SOCK_STREAM, 0);
    const auto address = address_of(run.file("limiter-1.sock"));
    REQUIRE(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    process_of_place second{run, 2, 'b'};
    REQUIRE(second.where.publish());
    const int accepted = accept4(first.main.descriptor(), nullptr, nullptr, SOCK_NONBLOCK);
    REQUIRE(accepted >= 0);
    close(accepted);
    close(client);
}

TEST_CASE("place: a name that is gone is not a takeover", "[worker]")
{
    const temp_folder run;
    process_of_place first{run, 1, 'a'};
    REQUIRE(first.where.publish());
    REQUIRE(unlink((run.file("limiter-1.sock")).c_str()) == 0);
    REQUIRE(first.where.look() == possession::vanished);
}

TEST_CASE("place: a process that ends before it has published leaves no name behind", "[worker]")
{
    const temp_folder run;
    {
        const process_of_place first{run, 1, 'a'};
        REQUIRE(names_beside(run.file("x")) == 2);
    }
    REQUIRE(names_beside(run.file("x")) == 0);
}

TEST_CASE("place: the rest of a longer line in the lock file does not let an older generation in", "[worker]")
{
    const temp_folder run;
    process_of_place second{run, 2, 'b'};
    REQUIRE(second.where.publish());
    std::ofstream{run.file("limiter-1.lock"), std::ios::app} << "\"pid\":1}\n";
    process_of_place first{run, 1, 'a'};
    REQUIRE_FALSE(first.where.publish());
}

TEST_CASE("place: a lock file that was cut off does not keep anybody out", "[worker]")
{
    const temp_folder run;
    std::ofstream{run.file("limiter-1.lock")} << "{\"generation\":";
    process_of_place first{run, 1, 'a'};
    REQUIRE(first.where.publish());
    std::ifstream in{run.file("limiter-1.lock")};
    std::string text;
    std::getline(in, text);
    REQUIRE_THAT(text, Catch::Contains("\"generation\":1") && Catch::Contains(std::string(32, 'a')));
}
