#pragma once
// The metrics of one site's origin.

#include <array>
#include <cstddef>
#include <string>

#include "common/core/error.hpp"
#include "common/metrics/metrics.hpp"

namespace shoal::cache::origin {

/// What is in flight may outlive the origin, and with it the registry: after abandon() nothing is counted.
class instruments {
public:
    instruments(metrics::registry& registry, const std::string& site);

    void opened() noexcept;
    void closed() noexcept;
    void failed(errc why) noexcept;
    /// A request was sent once more, or the budget did not allow it.
    void repeated(bool allowed) noexcept;
    void abandon() noexcept;
    [[nodiscard]] bool abandoned() const noexcept { return abandoned_; }

private:
    metrics::gauge& connections_;
    /// In the order of errc, from origin_unreachable on.
    std::array<metrics::counter*, 5> failures_;
    metrics::counter& repeats_;
    metrics::counter& repeats_refused_;
    double open_ = 0;
    bool abandoned_ = false;
};

}  // namespace shoal::cache::origin
