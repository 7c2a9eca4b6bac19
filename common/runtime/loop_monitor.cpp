#include "common/runtime/loop_monitor.hpp"

#include <algorithm>
#include <utility>

#include "common/metrics/metrics.hpp"

namespace shoal::runtime {
namespace {

constexpr std::chrono::milliseconds interval{25};

}  // namespace

loop_monitor::loop_monitor(boost::asio::io_context& loop, metrics::registry& metrics, std::function<void()> each_beat)
    : timer_{loop},
      stalls_{metrics.add_histogram("shoal_loop_stall_seconds", "How late the loop came to its 25 ms heartbeat.",
                                    {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5})},
      longest_{metrics.add_gauge("shoal_loop_longest_stall_seconds", "The longest stall of the loop since start.")},
      each_beat_{std::move(each_beat)}
{
}

void loop_monitor::start()
{
    expected_ = boot_clock::now() + interval;
    timer_.expires_after(interval);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) beat();
    });
}

void loop_monitor::stop()
{
    timer_.cancel();
}

void loop_monitor::beat()
{
    const auto late =
        std::max(std::chrono::duration<double>{0}, std::chrono::duration<double>(boot_clock::now() - expected_));
    stalls_.observe(late.count());
    longest_.set(std::max(longest_.value(), late.count()));
    each_beat_();
    start();
}

}  // namespace shoal::runtime
