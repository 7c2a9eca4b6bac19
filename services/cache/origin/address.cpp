#include "services/cache/origin/address.hpp"

#include <algorithm>
#include <charconv>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <sys/un.h>

#include "common/config/reader.hpp"
#include "common/core/ascii.hpp"

namespace shoal::cache::origin {
namespace {

namespace asio = boost::asio;

constexpr std::string_view unix_prefix{"unix:"};
constexpr std::size_t most_name = 253;

[[noreturn]] void refuse(const std::string& text, const char* why)
{
    throw config::error{"origin server \"" + text + "\": " + why +
                        "; allowed are unix:/PATH, ADDRESS:PORT, [IPV6]:PORT and NAME:PORT"};
}

bool is_name(std::string_view name) noexcept
{
    return !name.empty() && name.size() <= most_name && name.front() != '.' && name.front() != '-' &&
           std::ranges::all_of(name, [](char c) {
               return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '.' || c == '_';
           });
}

std::optional<std::uint16_t> parse_port(std::string_view digits) noexcept
{
    std::uint16_t port = 0;
    const auto* const end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, port);
    if (error != std::errc{} || at != end || port == 0) return std::nullopt;
    return port;
}

endpoint unix_endpoint(const std::string& text)
{
    const auto path = text.substr(unix_prefix.size());
    if (!path.starts_with('/')) refuse(text, "the path of a unix socket is absolute");
    if (path.size() >= sizeof(sockaddr_un::sun_path)) refuse(text, "the path of a unix socket has at most 107 bytes");
    return endpoint{asio::local::stream_protocol::endpoint{path}};
}

}  // namespace

endpoint tcp_endpoint(const asio::ip::address& at, std::uint16_t port)
{
    return endpoint{asio::ip::tcp::endpoint{at, port}};
}

address parse_address(const std::string& text)
{
    address parsed{.text = text, .fixed = {}, .name = {}};
    if (text.starts_with(unix_prefix)) {
        parsed.fixed = unix_endpoint(text);
        parsed.local = true;
        return parsed;
    }
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) refuse(text, "it has no port");
    const auto port = parse_port(std::string_view{text}.substr(colon + 1));
    if (!port) refuse(text, "its port is not a number from 1 to 65535");
    parsed.port = *port;
    auto host = text.substr(0, colon);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);

    boost::system::error_code no_number;
    const auto number = asio::ip::make_address(host, no_number);
    if (!no_number && number.is_v6() == bracketed)
        parsed.fixed = tcp_endpoint(number, *port);
    else if (!no_number || bracketed || !is_name(host))
        refuse(text, "its host is neither an address nor a name");
    else
        parsed.name = host;
    return parsed;
}

}  // namespace shoal::cache::origin
