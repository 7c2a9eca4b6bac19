#pragma once
// What those who keep views need of the attempt that they are a part of.

#include <chrono>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "services/relay/postgres/database.hpp"
#include "services/relay/progress/progress.hpp"

namespace shoal::relay {

class view_host {
public:
    virtual ~view_host() = default;
    [[nodiscard]] virtual bool over() const noexcept = 0;
    /// Ends the attempt.
    virtual void end(std::string why) = 0;
    virtual void changed() = 0;
    [[nodiscard]] virtual boost::asio::awaitable<void> wait_for_change(std::chrono::nanoseconds at_most) = 0;
    [[nodiscard]] virtual progress& transactions() noexcept = 0;
    /// What could be seen when the database was last asked; null before.
    [[nodiscard]] virtual const sight* seen() const noexcept = 0;
};

}  // namespace shoal::relay
