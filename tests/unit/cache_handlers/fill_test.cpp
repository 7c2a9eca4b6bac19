// A response on its way in, read by many.

#include "services/cache/handlers/fill.hpp"

#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <catch2/catch.hpp>

#include "services/cache/memory/pieces.hpp"

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

/// The next byte of what one block holds.
asio::awaitable<void> add_byte(fill_ptr to, shared_bytes block, std::size_t at)
{
    block.view = block.view.substr(at, 1);
    (void)co_await to->add(std::move(block));
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
    const std::string piece(120 * 1024, 'x');
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

TEST_CASE("fill: crumbs of one block are one piece, however they are read", "[cache][fill]")
{
    constexpr std::size_t size = 5'000;
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>('a' + i % 26));
    const auto block = share(text);
    asio::io_context loop{1};
    const auto one = make_fill(loop);
    one->begin({.status = 200});
    const bool kept = GENERATE(true, false);
    if (!kept) one->stop_keeping();
    fill::reader at_once{*one};
    fill::reader by_and_by{*one};
    std::string found;
    std::string found_later;
    for (std::size_t i = 0; i < size; ++i) {
        run(loop, add_byte(one, block, i));
        found += read_all(at_once);
        REQUIRE(found.size() == i + 1);
        if (i % 97 == 0) found_later += read_all(by_and_by);
        REQUIRE(one->held() <= size + piece_overhead);
    }
    CHECK(one->pieces().size() == 1);
    fill::reader late{*one};
    one->complete(nullptr, answered::miss);
    CHECK(at_once.at_end());
    CHECK_FALSE(by_and_by.at_end());
    CHECK(found_later + read_all(by_and_by) == text);
    CHECK(found == text);
    if (kept) CHECK(read_all(late) == text);
    CHECK(by_and_by.at_end());
}

TEST_CASE("fill: what was read of all that came goes, and more may come in the same block", "[cache][fill]")
{
    asio::io_context loop{1};
    const auto one = make_fill(loop);
    one->begin({.status = 200});
    one->stop_keeping();
    fill::reader quick{*one};
    fill::reader slow{*one};
    const auto block = share("abcdef");
    for (std::size_t i = 0; i < 3; ++i) run(loop, add_byte(one, block, i));
    CHECK(read_all(quick) == "abc");
    CHECK(one->pieces().size() == 1);
    CHECK(read_all(slow) == "abc");
    CHECK(one->pieces().empty());
    CHECK(one->held() == 0);
    for (std::size_t i = 3; i < 6; ++i) run(loop, add_byte(one, block, i));
    CHECK(read_all(slow) == "def");
    CHECK(read_all(quick) == "def");
    CHECK_FALSE(one->whole());
}

TEST_CASE("fill: crumbs that each keep a block of their own count for what they take", "[cache][fill]")
{
    asio::io_context loop{1};
    const auto one = make_fill(loop);
    one->begin({.status = 200});
    std::vector<bool> wanted;
    for (int i = 0; i < 100; ++i) run(loop, add(one, "x", wanted));
    CHECK(one->received() == 100);
    CHECK(one->held() == 100 + 100 * piece_overhead);
}
