#pragma once
// Whom the load is for. Names are resolved once, before the first request, and what was checked is what is connected
// to.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include "tests/load/domain/options.hpp"

namespace shoal::load {

using endpoint = boost::asio::generic::stream_protocol::endpoint;

/// 127.0.0.0/8, ::1, and the first as IPv6 maps it.
[[nodiscard]] bool is_loopback(const boost::asio::ip::address& address);

/// Throws bad_input when the name is unknown, or when one of its addresses is not loopback and that is not allowed.
[[nodiscard]] endpoint find_target(boost::asio::io_context& loop, const options& asked);

/// Lets the process have as many descriptors as `connections` need. Throws bad_input when it may not.
void allow_descriptors(std::uint32_t connections);

}  // namespace shoal::load
