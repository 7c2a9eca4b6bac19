#pragma once
// What counts for views: the purge log, while a relay says that they are up to date.

#include <chrono>
#include <span>

#include "common/coherence/view.hpp"

namespace shoal::views {

class relied_log final : public coherence::coherence_view {
public:
    /// The log lives longer.
    relied_log(const coherence::coherence_view& log, std::chrono::nanoseconds within) : log_{log}, within_{within} {}

    void set_within(std::chrono::nanoseconds within) noexcept { within_ = within; }

    /// Neither what is kept nor what Redis has may be served otherwise.
    [[nodiscard]] bool current(boot_time now) const noexcept override
    {
        return log_.current(now) && log_.viewed_at() > now - within_;
    }
    [[nodiscard]] coherence::stamp position() const noexcept override { return log_.position(); }
    [[nodiscard]] boot_time relayed_at() const noexcept override { return log_.relayed_at(); }
    [[nodiscard]] boot_time viewed_at() const noexcept override { return log_.viewed_at(); }
    [[nodiscard]] coherence::lsn purged() const noexcept override { return log_.purged(); }
    [[nodiscard]] coherence::lsn viewed() const noexcept override { return log_.viewed(); }
    [[nodiscard]] coherence::standing judge(const coherence::stamp& of,
                                            std::span<const coherence::tag> tags) const noexcept override
    {
        return log_.judge(of, tags);
    }

private:
    const coherence::coherence_view& log_;
    std::chrono::nanoseconds within_;
};

}  // namespace shoal::views
