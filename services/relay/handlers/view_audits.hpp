#pragma once
// What the auditor of views has compared and found, since the process began.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "common/core/clock.hpp"

namespace shoal::metrics {
class gauge;
class registry;
}  // namespace shoal::metrics

namespace shoal::relay {

class view_audits {
public:
    explicit view_audits(metrics::registry& in);

    enum class result : std::uint8_t { sampled, changing, failed, inconsistent };
    struct counts {
        std::uint64_t samples = 0;
        std::uint64_t changing = 0;
        std::uint64_t failed = 0;
        std::uint64_t inconsistent = 0;
    };

    void count(const std::string& view, result which);
    /// The last that was inconsistent: a view and a KEY.
    void found(std::string what);
    /// Everything was looked at.
    void swept(std::chrono::nanoseconds took, std::uint64_t samples);

    [[nodiscard]] const counts& total() const noexcept { return total_; }
    [[nodiscard]] nlohmann::json shown(bool wanted) const;

private:
    metrics::registry& in_;
    metrics::gauge& sweep_seconds_;
    counts total_;
    std::optional<std::chrono::duration<double>> swept_in_;
    std::uint64_t swept_ = 0;
    std::string last_;
    wall_clock::time_point last_at_;
};

}  // namespace shoal::relay
