#include "tests/load/domain/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/core/ascii.hpp"
#include "tests/load/domain/bad_input.hpp"

namespace shoal::load {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why)
{
    throw bad_input{fmt::format("--url '{}': {}; give it as http://127.0.0.1:8080/path", text, why)};
}

std::uint16_t parse_port(std::string_view text, std::string_view digits)
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0)
        refuse(text, "the port must be a number from 1 to 65535");
    return port;
}

}  // namespace

url parse_url(std::string_view text)
{
    constexpr std::string_view scheme = "http://";
    if (text.starts_with("https://")) refuse(text, "TLS is not spoken here, and its cost would be measured too");
    if (!text.starts_with(scheme)) refuse(text, "it must begin with http://");
    if (!std::ranges::all_of(text, is_visible)) refuse(text, "spaces and what is not ASCII must be percent-encoded");
    if (text.find('#') != std::string_view::npos) refuse(text, "a fragment is never sent to a server");

    const auto rest = text.substr(scheme.size());
    // http://127.0.0.1:8000{key} has a target as well: the keys of a log begin with a slash.
    const auto end = std::min(rest.find_first_of("/?{"), rest.size());
    const auto authority = rest.substr(0, end);
    if (authority.find('@') != std::string_view::npos)
        refuse(text, "a name and password go into --header 'Authorization: ...'");

    url read;
    read.authority = authority;
    read.target = rest.substr(end);
    if (read.target.empty() || read.target.front() == '?') read.target.insert(0, "/");
    const bool bracketed = authority.starts_with('[');
    const auto host_end = bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
    if (host_end == std::string_view::npos) refuse(text, "the bracket of the IPv6 address is not closed");
    read.host = bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
    if (read.host.empty()) refuse(text, "it has no host");
    const auto after = authority.substr(std::min(authority.size(), bracketed ? host_end + 1 : host_end));
    if (!after.empty() && after.front() != ':') refuse(text, "after the host only :PORT may follow");
    if (!after.empty()) read.port = parse_port(text, after.substr(1));
    return read;
}

}  // namespace shoal::load
