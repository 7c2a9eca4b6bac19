#pragma once
// One timer for the deadlines of many: setting one is an assignment, since what is waited for mostly comes in time.

#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include "common/core/clock.hpp"

namespace shoal::cache::origin {

/// Something with a deadline; forgotten when it is destroyed.
class timed : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    timed() = default;
    timed(const timed&) = delete;
    timed& operator=(const timed&) = delete;

protected:
    ~timed() = default;

private:
    friend class alarm;
    /// Once, when its time has come. May destroy itself, and what has no deadline.
    virtual void expired() = 0;

    boot_time due_{boot_time::max()};
};

/// Owned by a shared_ptr.
class alarm : public std::enable_shared_from_this<alarm> {
public:
    explicit alarm(boost::asio::io_context& loop) : timer_{loop} {}

    /// In place of what was set for it before; boot_time::max() for none.
    void set(timed& whom, boot_time due);

private:
    void arm(boot_time due);
    void ring();

    boost::asio::steady_timer timer_;
    /// When it will ring: not later than the first of those that are due.
    boot_time armed_{boot_time::max()};
    boost::intrusive::list<timed, boost::intrusive::constant_time_size<false>> all_;
};

}  // namespace shoal::cache::origin
