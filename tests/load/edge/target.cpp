#include "tests/load/edge/target.hpp"

#include <fmt/format.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <sys/resource.h>

#include <algorithm>

#include "tests/load/domain/bad_input.hpp"

namespace shoal::load {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// sun_path with its NUL.
constexpr std::size_t longest_unix_path = 107;
/// Of the process itself: its loop, files, /proc.
constexpr std::uint32_t spare_descriptors = 64;

}  // namespace

bool is_loopback(const asio::ip::address& address)
{
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
    return address.is_loopback();
}

endpoint find_target(asio::io_context& loop, const options& asked)
{
    if (!asked.unix_path.empty()) {
        if (asked.unix_path.size() > longest_unix_path)
            throw bad_input{fmt::format("--unix '{}' is longer than {} bytes", asked.unix_path, longest_unix_path)};
        return asio::local::stream_protocol::endpoint{asked.unix_path};
    }
    tcp::resolver resolver{loop};
    boost::system::error_code error;
    const auto found =
        resolver.resolve(asked.target.host, std::to_string(asked.target.port), tcp::resolver::numeric_service, error);
    if (error || found.empty())
        throw bad_input{fmt::format("--url: the host '{}' has no address ({}); give another one, or a numeric address",
                                    asked.target.host, error.message())};
    for (const auto& entry : found) {
        const auto address = entry.endpoint().address();
        if (!is_loopback(address) && !asked.remote_allowed)
            throw bad_input{fmt::format(
                "--url: '{}' is {}, which is not this machine, and nobody may load the server of others. If it is "
                "yours, say so twice: --target-is-mine --really",
                asked.target.host, address.to_string())};
    }
    return found.begin()->endpoint();
}

void allow_descriptors(std::uint32_t connections)
{
    rlimit now{};
    getrlimit(RLIMIT_NOFILE, &now);
    const rlim_t wanted = std::min<rlim_t>(limits::descriptors, connections + spare_descriptors);
    if (now.rlim_cur >= wanted) return;
    const rlimit more{wanted, std::max(now.rlim_max, wanted)};
    if (wanted > now.rlim_max || setrlimit(RLIMIT_NOFILE, &more) != 0)
        throw bad_input{
            fmt::format("--connections {} need {} file descriptors and this process may have {}: ask for "
                        "fewer, or raise the limit with 'ulimit -n {}'",
                        connections, wanted, now.rlim_max, wanted)};
}

}  // namespace shoal::load
