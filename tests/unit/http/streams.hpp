#pragma once
// What tests of a streaming server are made of.

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/core/bytes.hpp"
#include "common/http/exchange.hpp"
#include "common/http/server.hpp"

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

/// Patient, with a body of up to 1 GiB.
[[nodiscard]] http::limits roomy();

inline const std::string get_next{"GET /next HTTP/1.1\r\nHost: n\r\n\r\n"};
inline const std::string chunked_head{"POST /up?load HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"};
[[nodiscard]] std::string with_length(std::string_view body, const std::string& lines = "");
[[nodiscard]] std::string chunk(std::string_view data);

/// All of the body, or why it can't be had.
[[nodiscard]] boost::asio::awaitable<result<std::string>> read_all(http::exchange& over);

/// Answers 200 with the body of the request, piece by piece as it comes, and with its trailers. What the body is
/// refused for is left to the session.
[[nodiscard]] boost::asio::awaitable<void> echo(http::request& from, http::exchange& over);

}  // namespace shoal::test
