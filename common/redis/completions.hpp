#pragma once
// Resumes waiting coroutines from the loop, never from inside hiredis or from inside the call that starts them.

#include "common/redis/in_flight.hpp"

#include <boost/asio/io_context.hpp>

#include <vector>

namespace shoal::redis {

/// Lives until the loop has run what was posted.
class completions {
public:
    explicit completions(boost::asio::io_context& loop) : loop_{loop} {}

    /// All that one turn of the loop adds is resumed by one posted handler, in this order.
    void add(waiter caller, result<value> outcome);

private:
    struct completion {
        waiter caller;
        result<value> outcome;
    };

    void post();
    void run();

    boost::asio::io_context& loop_;
    std::vector<completion> waiting_;
    std::vector<completion> running_;
    bool posted_ = false;
};

}  // namespace shoal::redis
