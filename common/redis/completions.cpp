#include "common/redis/completions.hpp"

#include <boost/asio/post.hpp>

#include <iterator>
#include <utility>

namespace shoal::redis {

void completions::add(waiter caller, result<value> outcome)
{
    waiting_.push_back({std::move(caller), std::move(outcome)});
    post();
}

void completions::post()
{
    if (posted_) return;
    posted_ = true;
    boost::asio::post(loop_, [this] { run(); });
}

void completions::run()
{
    posted_ = false;
    running_.swap(waiting_);
    std::size_t next = 0;
    try {
        while (next < running_.size()) {
            completion current = std::move(running_[next++]);
            std::move(current.caller)(std::move(current.outcome));
        }
    } catch (...) {
        // Whoever else waits is not concerned; the exception is the loop's.
        const auto unfinished = running_.begin() + static_cast<std::ptrdiff_t>(next);
        std::vector<completion> rest{std::make_move_iterator(unfinished), std::make_move_iterator(running_.end())};
        for (auto& later : waiting_) rest.push_back(std::move(later));
        waiting_.swap(rest);
        running_.clear();
        if (!waiting_.empty()) post();
        throw;
    }
    running_.clear();
}

}  // namespace shoal::redis
