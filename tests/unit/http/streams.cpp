#include "tests/unit/http/streams.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

#include "tests/unit/http/world.hpp"

namespace shoal::test {

namespace asio = boost::asio;

tracked_bytes::tracked_bytes(std::string text, tally& in) : text_{std::move(text)}, in_{in}
{
    in_.now += text_.size();
    in_.most = std::max(in_.most, in_.now);
}

tracked_bytes::~tracked_bytes()
{
    in_.now -= text_.size();
}

shared_bytes track(std::string text, tracked_bytes::tally& in)
{
    boost::intrusive_ptr<const tracked_bytes> owner{new tracked_bytes{std::move(text), in}};
    const std::string_view view = owner->text();
    return {view, std::move(owner)};
}

asio::awaitable<void> barrier::pass()
{
    reached_ = true;
    asio::steady_timer closed{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()};
    waiting_ = &closed;
    boost::system::error_code ignored;
    while (!open_) co_await closed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    waiting_ = nullptr;
}

void barrier::open()
{
    open_ = true;
    if (waiting_ != nullptr) waiting_->cancel();
}

asio::awaitable<void> succeeds(asio::awaitable<result<void>> what)
{
    const auto done = co_await std::move(what);
    CHECK(done.has_value());
}

asio::awaitable<void> fails(asio::awaitable<result<void>> what)
{
    const auto done = co_await std::move(what);
    CHECK(done.error() == errc::connection_lost);
}

std::string pattern(std::size_t size)
{
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i + i / 251) % 26);
    return text;
}

http::limits roomy()
{
    auto bounds = patient_limits();
    bounds.body = 1024 * 1024 * 1024;
    return bounds;
}

std::string with_length(std::string_view body, const std::string& lines)
{
    return "POST /up?load HTTP/1.1\r\nHost: a\r\n" + lines + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string{body};
}

std::string chunk(std::string_view data)
{
    char digits[16];
    std::snprintf(digits, sizeof digits, "%zx", data.size());
    return std::string{digits}.append("\r\n").append(data).append("\r\n");
}

asio::awaitable<result<std::string>> read_all(http::exchange& over)
{
    std::string body;
    for (;;) {
        const auto piece = co_await over.read();
        if (!piece) co_return piece.error();
        if (piece->empty()) co_return body;
        // No more of it than a buffer is ever in memory.
        CHECK(piece->size() <= 64 * 1024);
        body += *piece;
    }
}

asio::awaitable<void> echo(http::request& from, http::exchange& over)
{
    // Read first: a body that is refused at once has no answer begun.
    const std::string target{from.target};
    auto piece = co_await over.read();
    if (!piece) co_return;
    if (!co_await over.begin({.status = 200, .lines = "X-Kind: echo\r\n", .length = over.body_length()})) co_return;
    while (!piece->empty()) {
        if (!co_await over.write(share(std::string{*piece}))) co_return;
        piece = co_await over.read();
        if (!piece) co_return;
    }
    // The head's views hold while its body comes.
    CHECK(from.target == target);
    (void)co_await over.end(over.trailers());
}

}  // namespace shoal::test
