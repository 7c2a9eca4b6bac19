#include "services/relay/handlers/instruments.hpp"

#include "common/metrics/metrics.hpp"
#include "services/relay/handlers/standing.hpp"

namespace shoal::relay {

instruments::instruments(metrics::registry& in, const std::function<standing()>& now)
    : transactions{in.add_counter("shoal_relay_transactions_total", "Committed transactions that were received.")},
      rows{in.add_counter("shoal_relay_rows_total", "Changed rows of tables that have rules.")},
      collapsed{in.add_counter("shoal_relay_rows_collapsed_total",
                               "Rows for which a table's tag was purged, as they were too many.")},
      unknown{in.add_counter("shoal_relay_rows_unknown_total",
                             "Rows for which a table's tag was purged, as PostgreSQL did not send their old values.")},
      writes{in.add_counter("shoal_relay_writes_total", "Entries that were written to the purge log.")},
      voided{in.add_counter("shoal_relay_voided_total",
                            "Times that everything cached was purged, as changes may have been missed.")},
      connections{in.add_counter("shoal_relay_connections_total", "Times that the slot was taken.")}
{
    in.add_gauge("shoal_relay_active", "1 while this process has the slot.", {},
                 [now] { return now().as == role::active ? 1.0 : 0.0; });
    in.add_gauge("shoal_relay_lag_bytes", "Of the database's log, what is not done.", {}, [now] {
        const auto found = now();
        return static_cast<double>(found.server - std::min(found.server, found.done));
    });
    in.add_gauge("shoal_relay_lag_seconds",
                 "Since everything that could be seen in the database was known to be in the purge log; -1 before.", {},
                 [now] {
                     const auto found = now();
                     if (found.current_at == boot_time::min()) return -1.0;
                     return std::chrono::duration<double>(boot_clock::now() - found.current_at).count();
                 });
    in.add_gauge("shoal_relay_replica_wait_seconds",
                 "For how long the first transaction has waited that replicas lack; 0 while they lack none.", {},
                 [now] { return std::chrono::duration<double>(now().replicas_wait).count(); });
    in.add_gauge("shoal_relay_open_transactions", "Transactions that are received and not done.", {},
                 [now] { return static_cast<double>(now().open_transactions); });
}

}  // namespace shoal::relay
