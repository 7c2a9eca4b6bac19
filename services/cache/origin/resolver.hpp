#pragma once
// Addresses of names, through c-ares on the worker's loop: /etc/hosts first, then DNS. What was found is used at once;
// what is old is asked for anew behind it, and serves on for as long as no answer comes.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include "common/core/clock.hpp"
#include "common/core/error.hpp"

namespace shoal::cache::origin {

struct resolver_options {
    /// "127.0.0.1:5353": in place of those of /etc/resolv.conf.
    std::string servers;
    /// Bounds of how long a result is used before it is asked for anew.
    std::chrono::milliseconds least{10'000};
    std::chrono::milliseconds most{3'600'000};
    /// After a failure with nothing old to use: how long it is remembered.
    std::chrono::milliseconds after_failure{1'000};
};

/// In the order in which they are to be tried; never empty.
using addresses = std::shared_ptr<const std::vector<boost::asio::ip::address>>;

class resolver {
public:
    /// Reads /etc/resolv.conf when it is first asked.
    explicit resolver(boost::asio::io_context& loop, resolver_options chosen = {});
    /// Who waits gets origin_unreachable.
    ~resolver();
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;

    /// Waits only for a name that was never found. Fails with origin_unreachable.
    [[nodiscard]] boost::asio::awaitable<result<addresses>> find(std::string name, boot_time deadline);

private:
    class impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace shoal::cache::origin
