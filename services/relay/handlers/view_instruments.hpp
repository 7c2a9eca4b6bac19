#pragma once
// What the relay counts of views.

#include <functional>
#include <vector>

namespace shoal::metrics {
class counter;
class registry;
}  // namespace shoal::metrics

namespace shoal::relay {

struct view_standing;

struct view_instruments {
    view_instruments(metrics::registry& in, const std::function<std::vector<view_standing>()>& now);

    metrics::counter& rounds;
    metrics::counter& entries;
    metrics::counter& voided;
    metrics::counter& failures;
    metrics::counter& unfit_entries;
};

}  // namespace shoal::relay
