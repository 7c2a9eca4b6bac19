#include "common/redis/instruments.hpp"

#include "common/log/log.hpp"

namespace shoal::redis {
namespace {

metrics::labels of(const std::string& instance)
{
    if (instance.empty()) return {};
    return {{"instance", instance}};
}

metrics::counter& errors(metrics::registry& metrics, metrics::labels with, const char* kind)
{
    with.emplace_back("kind", kind);
    return metrics.add_counter("shoal_redis_errors_total", "Calls that failed, by kind.", std::move(with));
}

}  // namespace

instruments::instruments(metrics::registry& metrics, const std::string& instance)
    : commands{metrics.add_counter("shoal_redis_commands_total", "Commands given to a connection.", of(instance))},
      writes{metrics.add_counter("shoal_redis_writes_total", "Writes to the socket; commands per write is the batch.",
                                 of(instance))},
      reconnects{
          metrics.add_counter("shoal_redis_reconnects_total", "Connections made after the first.", of(instance))},
      connected{metrics.add_gauge("shoal_redis_connected", "1 while connected and identified.", of(instance))},
      pending{metrics.add_gauge("shoal_redis_pending", "Commands without an answer.", of(instance))},
      seconds{metrics.add_histogram("shoal_redis_command_seconds", "From sending a command to its answer or deadline.",
                                    metrics::latency_bounds(), of(instance))},
      unavailable{errors(metrics, of(instance), "unavailable")},
      outcome_unknown{errors(metrics, of(instance), "outcome_unknown")},
      error_reply{errors(metrics, of(instance), "error_reply")},
      deadline_exceeded{errors(metrics, of(instance), "deadline_exceeded")}
{
}

void instruments::failed(errc kind) noexcept
{
    switch (kind) {
    case errc::redis_unavailable: return unavailable.add();
    case errc::redis_outcome_unknown: return outcome_unknown.add();
    case errc::redis_error_reply: return error_reply.add();
    case errc::deadline_exceeded: return deadline_exceeded.add();
    default: return;
    }
}

std::optional<std::uint64_t> once_a_second::admit(boot_time now) noexcept
{
    if (last_ && now - *last_ < std::chrono::seconds{1}) {
        ++swallowed_;
        return std::nullopt;
    }
    last_ = now;
    return std::exchange(swallowed_, 0);
}

void error_reply_log::note(std::string_view text, boot_time now)
{
    const auto swallowed = limit_.admit(now);
    if (!swallowed) return;
    constexpr std::size_t longest = 256;
    log_.warning("Redis answered with an error", {{"error", text.substr(0, longest)}, {"swallowed", *swallowed}});
}

}  // namespace shoal::redis
