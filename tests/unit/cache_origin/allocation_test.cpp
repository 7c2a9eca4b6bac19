// What a fetch on a kept connection allocates.

#include <array>

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/counted_allocations.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/unit/cache_origin/fixture.hpp"

namespace {

using namespace shoal;

/// Answers without an allocation of its own.
class bare_origin {
public:
    explicit bare_origin(const std::string& path) : listener_{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}
    {
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        path.copy(where.sun_path, sizeof where.sun_path - 1);
        REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
        REQUIRE(::listen(listener_, 4) == 0);
    }
    ~bare_origin()
    {
        ::close(descriptor_);
        ::close(listener_);
    }
    bare_origin(const bare_origin&) = delete;
    bare_origin& operator=(const bare_origin&) = delete;

    /// Whether a request was there.
    bool turn(std::string_view answer)
    {
        if (descriptor_ < 0) descriptor_ = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        std::array<char, 4096> request;
        if (::recv(descriptor_, request.data(), request.size(), MSG_DONTWAIT) <= 0) return false;
        return ::send(descriptor_, answer.data(), answer.size(), 0) == static_cast<ssize_t>(answer.size());
    }

private:
    int listener_;
    int descriptor_ = -1;
};

boost::asio::awaitable<void> fetch_many(cache::origin::origin& client, int count, int& good)
{
    for (int i = 0; i < count; ++i) {
        auto got = co_await client.send(test::get());
        if (!got) co_return;
        auto piece = co_await (*got)->read();
        if (piece && piece->view.size() == 1024) ++good;
    }
}

}  // namespace

TEST_CASE("allocations: a small fetch costs its head, its body, and little else", "[origin]")
{
    boost::asio::io_context loop{1};
    const test::temp_folder folder;
    bare_origin server{folder.file("s")};
    test::origin_fixture client{loop, test::patient({"unix:" + folder.file("s")})};
    const std::string answer =
        "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 22:00:00 GMT\r\nContent-Type: text/html\r\n"
        "Cache-Control: max-age=60\r\nContent-Length: 1024\r\n\r\n" +
        std::string(1024, 'x');
    const auto run = [&](int count) {
        int good = 0;
        client.tasks.spawn("test", fetch_many(*client.client, count, good));
        loop.poll();
        const auto before = test::allocations();
        for (int served = 0; served < count;) {
            if (server.turn(answer)) ++served;
            loop.poll();
        }
        const auto made = test::allocations() - before;
        REQUIRE(client.until([&] { return client.tasks.running() == 0; }));
        REQUIRE(good == count);
        return static_cast<double>(made) / count;
    };
    (void)run(20);
    // The request's own string, the answer with its head and headers, and the block of the body.
    CHECK(run(1000) <= 5.01);
}
