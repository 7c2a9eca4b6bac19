#include "tests/load/edge/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

namespace shoal::load {
namespace {

using namespace std::chrono_literals;

/// How often the progress is looked after.
constexpr auto watch_length = 50ms;

}  // namespace

session::session(boost::asio::io_context& loop, const run_parts& parts, cpu_watch& cpu, progress& shown)
    : loop_{loop},
      parts_{parts},
      cpu_{cpu},
      shown_{shown},
      generator_{loop, parts},
      signals_{loop, SIGINT, SIGTERM},
      interval_{loop},
      search_{parts.asked.first_rate, limits::most_rate}
{
}

void session::run()
{
    signals_.async_wait([this](const boost::system::error_code& error, int) {
        if (!error) stop();
    });
    begin();
    watch();
    loop_.run();
}

void session::begin()
{
    const options& asked = parts_.asked;
    if (asked.how == mode::find_max) {
        knee_.emplace();
        return try_next();
    }
    if (asked.how == mode::closed) {
        parts_.tally.add_step({{}, asked.duration}, 0ns);
        return generator_.run_closed(0, asked.duration, [this] { end(); });
    }
    std::chrono::nanoseconds at{};
    for (const load_step& step : asked.steps) {
        parts_.tally.add_step(step, at);
        at += step.length;
    }
    generator_.run(schedule{asked.steps, 0ns}, [this] { end(); });
}

void session::try_next()
{
    const auto rate = search_.next();
    if (!rate) return end();
    const load_step step{*rate, parts_.asked.trial};
    const auto start = std::max(0ns, parts_.clock.now() + run_lead);
    const std::size_t number = parts_.tally.steps().size();
    parts_.tally.add_step(step, start);
    generator_.run(schedule{{step}, start, number}, [this] { judge_trial(); });
}

void session::judge_trial()
{
    if (interrupted_) return end();
    const step_tally& trial = parts_.tally.steps().back();
    const bool met = meets(trial, parts_.asked.slo);
    search_.record(met);
    knee_->met.push_back(met);
    knee_->found = search_.found();
    knee_->reached_most = search_.reached_most();
    shown_.say(fmt::format("{:.1f}/s: {:.1f}/s reached, p{:g} {:.3f} ms, {} errors: {}", trial.wanted.rate.per_second(),
                           trial.reached(), parts_.asked.slo.quantile * 100,
                           static_cast<double>(trial.latency.quantile(parts_.asked.slo.quantile).count()) / 1e6,
                           trial.errors(), met ? "good" : "too much"));
    try_next();
}

void session::stop()
{
    interrupted_ = true;
    generator_.stop();
}

void session::end()
{
    signals_.cancel();
    interval_.cancel();
    loop_.stop();
}

void session::watch()
{
    interval_.expires_after(watch_length);
    interval_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        const auto now = parts_.clock.now();
        const auto passed = static_cast<std::size_t>(std::max(0ns, now) / parts_.tally.width());
        if (passed > intervals_) {
            cpu_.sample(passed - 1);
            intervals_ = passed;
        }
        if (shown_.due(now)) shown_.show(now, describe());
        watch();
    });
}

std::string session::describe() const
{
    const tally& seen = parts_.tally;
    const auto& step = seen.steps().back();
    const group& all = seen.all();
    const auto elapsed = std::chrono::duration<double>{parts_.clock.now()}.count();
    const auto latency = [&](double q) { return static_cast<double>(all.latency.quantile(q).count()) / 1e6; };
    return fmt::format("{:.0f} s  {} requests  {} errors  {} under way  {} waiting  p50 {:.2f} ms  p99 {:.2f} ms{}",
                       elapsed, all.requests(), all.errors(), generator_.in_flight(), generator_.waiting(),
                       latency(0.5), latency(0.99),
                       knee_ ? fmt::format("  trying {:.0f}/s", step.wanted.rate.per_second()) : std::string{});
}

}  // namespace shoal::load
