#pragma once
// One run from its first request to its last: an open or closed loop, or a search made of many open ones.

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>

#include "tests/load/domain/knee.hpp"
#include "tests/load/domain/report.hpp"
#include "tests/load/edge/cpu.hpp"
#include "tests/load/edge/generator.hpp"
#include "tests/load/edge/progress.hpp"

namespace shoal::load {

/// From the decision to the first request that follows it, so that it is not late already.
constexpr std::chrono::milliseconds run_lead{20};

class session {
public:
    session(boost::asio::io_context& loop, const run_parts& parts, cpu_watch& cpu, progress& shown);

    /// Turns the loop until the end.
    void run();

    [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }
    [[nodiscard]] const std::optional<knee_result>& knee() const noexcept { return knee_; }
    [[nodiscard]] const generator& sender() const noexcept { return generator_; }

private:
    void begin();
    void try_next();
    void judge_trial();
    void end();
    void watch();
    void stop();
    [[nodiscard]] std::string describe() const;

    boost::asio::io_context& loop_;
    run_parts parts_;
    cpu_watch& cpu_;
    progress& shown_;
    generator generator_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer interval_;
    std::size_t intervals_ = 0;
    knee_search search_;
    std::optional<knee_result> knee_;
    bool interrupted_ = false;
};

}  // namespace shoal::load
