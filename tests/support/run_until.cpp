#include "tests/support/run_until.hpp"

namespace shoal::test {

bool run_until(boost::asio::io_context& loop, const std::function<bool()>& done, std::chrono::milliseconds limit)
{
    const auto end = std::chrono::steady_clock::now() + limit;
    if (loop.stopped()) loop.restart();
    while (!done()) {
        if (loop.stopped() || std::chrono::steady_clock::now() >= end) return done();
        loop.run_one_until(end);
    }
    return true;
}

}  // namespace shoal::test
