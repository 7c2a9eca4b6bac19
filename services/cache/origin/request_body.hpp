#pragma once
// The body of a request as an origin is sent it: piece by piece, with its framing.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "common/core/error.hpp"
#include "services/cache/origin/connection.hpp"
#include "services/cache/origin/origin.hpp"

namespace shoal::cache::origin {

class request_body {
public:
    /// Chunked when its length is not known (RFC 9112, 7.1).
    request_body(body_source source, std::optional<std::uint64_t> length);

    /// The header line of its framing, and the empty line.
    [[nodiscard]] std::string_view framing() const noexcept { return framing_; }
    /// What to send next; the views hold until the next call. Fails as the source does, and with errc::malformed_body
    /// when its length turns out to be another.
    [[nodiscard]] boost::asio::awaitable<result<std::span<const std::string_view>>> next();
    /// The last piece was the end.
    [[nodiscard]] bool ended() const noexcept { return ended_; }

private:
    body_source source_;
    /// Of a known length, what is to come.
    std::optional<std::uint64_t> left_;
    std::string framing_;
    bool ended_ = false;
    std::array<char, 24> size_{};
    std::array<std::string_view, connection::most_pieces> pieces_;
};

}  // namespace shoal::cache::origin
