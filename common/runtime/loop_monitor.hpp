#pragma once
// A heartbeat on the worker's loop: how late it comes is how long something kept the loop from turning.

#include <chrono>
#include <functional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/core/clock.hpp"

namespace shoal::metrics {
class gauge;
class histogram;
class registry;
}  // namespace shoal::metrics

namespace shoal::runtime {

class loop_monitor {
public:
    /// `each_beat` runs on the loop every 25 ms. The references live longer.
    loop_monitor(boost::asio::io_context& loop, metrics::registry& metrics, std::function<void()> each_beat);

    void start();
    void stop();

private:
    void beat();

    boost::asio::steady_timer timer_;
    metrics::histogram& stalls_;
    metrics::gauge& longest_;
    std::function<void()> each_beat_;
    boot_time expected_;
};

}  // namespace shoal::runtime
