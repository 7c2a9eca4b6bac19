#pragma once
// What the relay counts.

#include <functional>

namespace shoal::metrics {
class counter;
class registry;
}  // namespace shoal::metrics

namespace shoal::relay {

struct standing;

struct instruments {
    instruments(metrics::registry& in, const std::function<standing()>& now);

    metrics::counter& transactions;
    metrics::counter& rows;
    metrics::counter& collapsed;
    metrics::counter& unknown;
    metrics::counter& writes;
    metrics::counter& voided;
    metrics::counter& connections;
};

}  // namespace shoal::relay
