// A response on its way in, read by many.

#include "services/cache/handlers/fill.hpp"

#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <catch2/catch.hpp>

using namespace shoal;
using namespace shoal::cache;
namespace asio = boost::asio;

namespace {

fill_ptr make_fill(asio::io_context& loop)
{
    return fill_ptr{new fill{loop.get_executor(), "http://a/", nullptr}};
}

std::string read_all(fill::reader& from)
{
    std::string all;
    for (auto piece = from.next(); !piece.view.empty(); piece = from.next()) all.append(piece.view);
    return all;
}

/// Runs until nothing is left to do at once.
template <class Task>
void run(asio::io_context& loop, Task task)
{
    asio::co_spawn(loop, std::move(task), asio::detached);
    loop.restart();
    loop.poll();
}

asio::awaitable<void> add(fill_ptr to, std::string text, std::vector<bool>& wanted)
{
    wanted.push_back(co_await to->add(share(std::move(text))));
}

asio::awaitable<void> wait(fill_ptr on, int& woken)
{
    co_await on->changed();
    ++woken;
}

}  // namespace

TEST_CASE("fill: every reader gets every byte, whenever it began", "[cache][fill]")
{
    asio::io_context loop{1};
    const auto one = make_fill(loop);
    fill::reader early{*one};
    one->begin({.status = 200});
    std::vector<bool> wanted;
    run(loop, add(one, "hello ", wanted));
    CHECK(read_all(early) == "hello ");
    fill::reader late{*one};
    run(loop, add(one, "world", wanted));
    CHECK(read_all(early) == "world");
    CHECK(read_all(late) == "hello world");
    CHECK_FALSE(late.at_end());
    one->complete(nullptr, answered::miss, "x: y\r\n");
    CHECK(late.at_end());
    CHECK(early.at_end());
    CHECK(one->trailers() == "x: y\r\n");
    CHECK(wanted == std::vector<bool>{true, true});
}

TEST_CASE("fill: whoever waits is woken by each change", "[cache][fill]")
{
    asio::io_context loop{1};
    const auto one = make_fill(loop);
    int woken = 0;
    for (int i = 0; i < 3; ++i) run(loop, wait(one, woken));
    CHECK(woken == 0);
    one->begin({.status = 200});
    loop.restart();
    loop.poll();
    CHECK(woken == 3);
    run(loop, wait(one, woken));
    one->fail(make_error_code(errc::origin_lost));
    loop.restart();
    loop.poll();
    CHECK(woken == 4);
    CHECK(one->error() == errc::origin_lost);
}

TEST_CASE("fill: what is not kept waits for its slowest reader, and is then let go", "[cache][fill]")
{
    asio::io_context loop{1};
    const auto one = make_fill(loop);
    one->begin({.status = 200});
    one->stop_keeping();
    auto slow = std::make_unique<fill::reader>(*one);
    fill::reader quick{*one};
    std::vector<bool> wanted;
    const std::string piece(128 * 1024, 'x');
    for (int i = 0; i < 2; ++i) run(loop, add(one, piece, wanted));
    CHECK(wanted.size() == 2);
    (void)read_all(quick);
    run(loop, add(one, piece, wanted));
    CHECK(wanted.size() == 2);
    CHECK(one->pieces().size() == 3);

    SECTION("it goes on when the reader does")
    {
        (void)slow->next();
    }
    SECTION("it goes on when the reader leaves")
    {
        slow.reset();
    }
    loop.restart();
    loop.poll();
    CHECK(wanted.size() == 3);
    CHECK(one->pieces().size() < 3);
    CHECK_FALSE(one->whole());
}

TEST_CASE("fill: the rest of what nobody reads or keeps is not wanted", "[cache][fill]")
{
    asio::io_context loop{1};
    const auto one = make_fill(loop);
    one->begin({.status = 200});
    std::vector<bool> wanted;
    {
        fill::reader only{*one};
        run(loop, add(one, "a", wanted));
    }
    run(loop, add(one, "b", wanted));
    CHECK(wanted == std::vector<bool>{true, true});
    one->stop_keeping();
    run(loop, add(one, "c", wanted));
    CHECK(wanted.back() == false);
}
