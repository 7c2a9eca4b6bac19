#pragma once
// What tests of a streaming server are made of.

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/core/bytes.hpp"
#include "common/http/exchange.hpp"

namespace shoal::test {

/// Bytes that know how many of their kind are alive, and how many were at most.
class tracked_bytes final : public counted {
public:
    struct tally {
        std::size_t now = 0;
        std::size_t most = 0;
    };

    tracked_bytes(std::string text, tally& in);
    ~tracked_bytes() override;

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
    tally& in_;
};

[[nodiscard]] shared_bytes track(std::string text, tracked_bytes::tally& in);

/// Where a handler waits until the test lets it go on.
class barrier {
public:
    /// For one handler at a time.
    [[nodiscard]] boost::asio::awaitable<void> pass();
    void open();
    [[nodiscard]] bool reached() const noexcept { return reached_; }

private:
    boost::asio::steady_timer* waiting_ = nullptr;
    bool reached_ = false;
    bool open_ = false;
};

/// Checks what an exchange returns: CHECK() names its argument twice, and g++ 12 then awaits twice.
[[nodiscard]] boost::asio::awaitable<void> succeeds(boost::asio::awaitable<result<void>> what);
[[nodiscard]] boost::asio::awaitable<void> fails(boost::asio::awaitable<result<void>> what);

/// `size` bytes that differ from place to place.
[[nodiscard]] std::string pattern(std::size_t size);

/// Answers 200 with the body of the request, piece by piece as it comes, and with its trailers. What the body is
/// refused for is left to the session.
[[nodiscard]] boost::asio::awaitable<void> echo(http::request& from, http::exchange& over);

}  // namespace shoal::test
