#pragma once
// What the cache takes of the rules of coherence (common/coherence).

#include <chrono>
#include <optional>
#include <span>

#include "common/coherence/fills.hpp"
#include "common/coherence/lsn.hpp"
#include "common/coherence/stamp.hpp"
#include "common/coherence/tags.hpp"
#include "common/coherence/view.hpp"

namespace shoal::cache {

using coherence::coherence_view;
using coherence::fill_ticket;
using coherence::lsn;
using coherence::stamp;
using coherence::standing;
using coherence::tag;
using coherence::tag_kind;
using coherence::tag_of;

/// What counts for one site. A site whose `relay_within` is set relies on a relay: without a word of its that is young
/// enough, it is as if there were no lease.
class site_view final : public coherence_view {
public:
    /// The log lives longer.
    site_view(const coherence_view& log, std::optional<std::chrono::nanoseconds> relay_within)
        : log_{log}, within_{relay_within}
    {
    }

    /// For who can't rely on what is kept, whatever the lease.
    [[nodiscard]] site_view without_lease() const noexcept
    {
        auto made = *this;
        made.leased_ = false;
        return made;
    }

    [[nodiscard]] bool current(boot_time now) const noexcept override
    {
        return leased_ && log_.current(now) && (!within_ || log_.relayed_at() > now - *within_);
    }
    [[nodiscard]] stamp position() const noexcept override { return log_.position(); }
    [[nodiscard]] boot_time relayed_at() const noexcept override { return log_.relayed_at(); }
    [[nodiscard]] boot_time viewed_at() const noexcept override { return log_.viewed_at(); }
    [[nodiscard]] lsn purged() const noexcept override { return log_.purged(); }
    [[nodiscard]] lsn viewed() const noexcept override { return log_.viewed(); }
    [[nodiscard]] standing judge(const stamp& of, std::span<const tag> tags) const noexcept override
    {
        return log_.judge(of, tags);
    }

private:
    const coherence_view& log_;
    std::optional<std::chrono::nanoseconds> within_;
    bool leased_ = true;
};

}  // namespace shoal::cache
