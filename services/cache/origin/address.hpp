#pragma once
// Where a server of an origin is, as the configuration says it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>

namespace shoal::cache::origin {

using endpoint = boost::asio::generic::stream_protocol::endpoint;

struct address {
    /// As configured.
    std::string text;
    /// Of a unix socket or a numeric address: nothing to look up.
    std::optional<endpoint> fixed;
    /// Else a name, and the port at each of its addresses.
    std::string name;
    std::uint16_t port = 0;
    bool local = false;
};

/// "unix:/run/app.sock", "127.0.0.1:8000", "[::1]:80", "app.internal:80". Throws config::error.
[[nodiscard]] address parse_address(const std::string& text);

[[nodiscard]] endpoint tcp_endpoint(const boost::asio::ip::address& at, std::uint16_t port);

}  // namespace shoal::cache::origin
