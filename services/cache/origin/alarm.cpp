#include "services/cache/origin/alarm.hpp"

#include <algorithm>

namespace shoal::cache::origin {

void alarm::set(timed& whom, boot_time due)
{
    whom.due_ = due;
    if (due == boot_time::max()) return whom.unlink();
    if (!whom.is_linked()) all_.push_back(whom);
    if (due < armed_) arm(due);
}

void alarm::arm(boot_time due)
{
    armed_ = due;
    timer_.expires_after(std::max(boot_time::duration::zero(), due - boot_clock::now()));
    timer_.async_wait([here = weak_from_this()](const boost::system::error_code& error) {
        if (const auto self = here.lock(); self && !error) self->ring();
    });
}

void alarm::ring()
{
    armed_ = boot_time::max();
    const auto now = boot_clock::now();
    auto next = boot_time::max();
    for (auto at = all_.begin(); at != all_.end();) {
        auto& one = *at++;
        if (one.due_ > now) {
            next = std::min(next, one.due_);
            continue;
        }
        one.unlink();
        one.expired();
    }
    if (next < armed_) arm(next);
}

}  // namespace shoal::cache::origin
