#include "common/redis/in_flight.hpp"

#include <utility>

namespace shoal::redis {

in_flight::~in_flight()
{
    deadlines_.clear();
    sent_.clear();
    free_.clear();
}

pending& in_flight::add(std::optional<waiter>&& caller, boot_time sent, boot_time deadline, purpose why)
{
    if (free_.empty()) free_.push_back(slots_.emplace_back());
    pending& command = free_.front();
    free_.pop_front();

    if (caller) command.caller.emplace(std::move(*caller));
    command.sent = sent;
    command.deadline = deadline;
    command.why = why;
    sent_.push_back(command);
    // Nearly always the latest of all: the hint makes that cheap.
    deadlines_.insert(deadlines_.end(), command);
    ++size_;
    return command;
}

void in_flight::remove(pending& command)
{
    if (command.deadline_hook.is_linked()) deadlines_.erase(deadlines_.iterator_to(command));
    sent_.erase(sent_.iterator_to(command));
    command.caller.reset();
    free_.push_front(command);
    --size_;
}

pending* in_flight::next_expired(boot_time now)
{
    if (deadlines_.empty() || deadlines_.begin()->deadline > now) return nullptr;
    pending& command = *deadlines_.begin();
    deadlines_.erase(deadlines_.begin());
    return &command;
}

std::optional<boot_time> in_flight::earliest_deadline() const
{
    if (deadlines_.empty()) return std::nullopt;
    return deadlines_.begin()->deadline;
}

std::optional<boot_time> in_flight::oldest() const
{
    if (sent_.empty()) return std::nullopt;
    return sent_.front().sent;
}

}  // namespace shoal::redis
