#pragma once
// Asks one server for a path now and then, and tells its health.

#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "services/cache/origin/server.hpp"

namespace shoal::cache::origin {

class check {
public:
    /// Of an origin that has checks.
    explicit check(std::shared_ptr<server> of);

    [[nodiscard]] static boost::asio::awaitable<void> run(std::shared_ptr<check> self);
    void stop();

private:
    [[nodiscard]] boost::asio::awaitable<void> ask();

    std::shared_ptr<server> of_;
    boost::asio::steady_timer timer_;
    bool stopped_ = false;
};

}  // namespace shoal::cache::origin
