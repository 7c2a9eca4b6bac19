#include "services/views/handlers/flights.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace shoal::views {

namespace asio = boost::asio;

/// Leaves also when its coroutine is torn down.
struct flight::waiter {
    explicit waiter(flight& on) : in{on}, woken{on.loop_, asio::steady_timer::time_point::max()}
    {
        in.waiting_.push_back(this);
    }
    ~waiter() { std::erase(in.waiting_, this); }
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    flight& in;
    asio::steady_timer woken;
};

asio::awaitable<void> flight::wait(boot_time until)
{
    waiter own{*this};
    if (until != boot_time::max())
        own.woken.expires_after(std::max(until - boot_clock::now(), boot_time::duration::zero()));
    boost::system::error_code woken;
    co_await own.woken.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

void flight::end(std::optional<parsed<answer_ptr>> made)
{
    if (std::exchange(ended_, true)) return;
    made_ = std::move(made);
    for (auto* const each : waiting_) each->woken.cancel();
}

flights::ticket::ticket(flights& all, std::string question, std::shared_ptr<flight> own)
    : all_{all}, question_{std::move(question)}, own_{std::move(own)}
{
}

flights::ticket::~ticket()
{
    own_->end(std::nullopt);
    const auto at = all_.by_question_.find(question_);
    if (at != all_.by_question_.end() && at->second == own_) all_.by_question_.erase(at);
}

std::shared_ptr<flight> flights::find(const std::string& question) const
{
    const auto at = by_question_.find(question);
    return at == by_question_.end() ? nullptr : at->second;
}

std::unique_ptr<flights::ticket> flights::begin(const std::string& question, boot_time sent, const coherence::stamp& at)
{
    auto made = std::make_shared<flight>(loop_, sent, at);
    by_question_[question] = made;
    return std::make_unique<ticket>(*this, question, std::move(made));
}

}  // namespace shoal::views
