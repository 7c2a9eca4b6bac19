#include "services/relay/handlers/view_instruments.hpp"

#include <algorithm>
#include <string>

#include "common/metrics/metrics.hpp"
#include "services/relay/handlers/view_standing.hpp"

namespace shoal::relay {

view_instruments::view_instruments(metrics::registry& in, const std::function<std::vector<view_standing>()>& now)
    : rounds{in.add_counter("shoal_relay_view_rounds_total", "Times that changes were written to views.")},
      entries{in.add_counter("shoal_relay_view_entries_total", "Entries of views that were recomputed.")},
      voided{in.add_counter("shoal_relay_views_voided_total", "Times that all of a view was made anew.")},
      failures{in.add_counter("shoal_relay_view_failures_total", "Times that the database refused a view's query.")},
      unfit_entries{in.add_counter("shoal_relay_view_entries_unfit_total",
                                   "Entries that are absent because they are too large, or have several rows.")}
{
    for (const auto state : {views::state::filling, views::state::ready, views::state::failed})
        in.add_gauge("shoal_relay_views", "Views that this relay keeps, by their state.",
                     {{"state", std::string{views::name_of(state)}}}, [now, state] {
                         const auto all = now();
                         return static_cast<double>(
                             std::ranges::count(all, state, [](const view_standing& one) { return one.now.at; }));
                     });
}

}  // namespace shoal::relay
