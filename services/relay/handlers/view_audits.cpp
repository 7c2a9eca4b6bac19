#include "services/relay/handlers/view_audits.hpp"

#include <array>
#include <utility>

#include "common/core/text.hpp"
#include "common/metrics/metrics.hpp"

namespace shoal::relay {
namespace {

constexpr std::array<const char*, 4> names{"sampled", "changing", "failed", "inconsistent"};
constexpr std::array<std::uint64_t view_audits::counts::*, 4> totals{
    &view_audits::counts::samples, &view_audits::counts::changing, &view_audits::counts::failed,
    &view_audits::counts::inconsistent};

}  // namespace

view_audits::view_audits(metrics::registry& in)
    : in_{in},
      sweep_seconds_{in.add_gauge("shoal_relay_audit_sweep_seconds",
                                  "How long it took to compare all entries of views with their queries.")}
{
}

void view_audits::count(const std::string& view, result which)
{
    // All at once, so that none begins its life with what there is to alert.
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto& counter =
            in_.add_counter("shoal_relay_audits_total", "Entries of views that were compared with their queries.",
                            {{"view", view}, {"result", names[i]}});
        if (i == static_cast<std::size_t>(which)) counter.add();
    }
    ++(total_.*totals[static_cast<std::size_t>(which)]);
}

void view_audits::found(std::string what)
{
    last_ = std::move(what);
    last_at_ = wall_clock::now();
}

void view_audits::swept(std::chrono::nanoseconds took, std::uint64_t samples)
{
    swept_in_ = took;
    swept_ = samples;
    sweep_seconds_.set(swept_in_->count());
}

nlohmann::json view_audits::shown(bool wanted) const
{
    nlohmann::json answer{{"wanted", wanted},
                          {"samples", total_.samples},
                          {"inconsistent", total_.inconsistent},
                          {"changing", total_.changing},
                          {"failed", total_.failed}};
    if (swept_in_) answer["sweep"] = {{"seconds", swept_in_->count()}, {"samples", swept_}};
    if (!last_.empty())
        answer["last"] = {{"what", is_utf8(last_) ? last_ : "not UTF-8"}, {"at", wall_clock::to_time_t(last_at_)}};
    return answer;
}

}  // namespace shoal::relay
