#pragma once
// The questions that Redis is being asked, so that who asks the same waits for one answer.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/unordered/unordered_map.hpp>

#include "common/coherence/stamp.hpp"
#include "common/core/clock.hpp"
#include "services/views/memory/answer.hpp"
#include "services/views/query/refusal.hpp"

namespace shoal::views {

class flight {
public:
    flight(boost::asio::io_context& loop, boot_time sent, const coherence::stamp& at)
        : loop_{loop}, sent_{sent}, at_{at}
    {
    }

    /// A clock read before Redis was asked.
    [[nodiscard]] boot_time sent() const noexcept { return sent_; }
    /// Returns when it has ended, or at that time.
    [[nodiscard]] boost::asio::awaitable<void> wait(boot_time until);
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    /// Nothing where there is none that others may have.
    [[nodiscard]] const std::optional<parsed<answer_ptr>>& made() const noexcept { return made_; }
    /// The log position before Redis was asked.
    [[nodiscard]] const coherence::stamp& at() const noexcept { return at_; }
    void end(std::optional<parsed<answer_ptr>> made);

private:
    struct waiter;

    boost::asio::io_context& loop_;
    boot_time sent_;
    coherence::stamp at_;
    bool ended_ = false;
    std::optional<parsed<answer_ptr>> made_;
    /// Each in the frame of its coroutine.
    std::vector<waiter*> waiting_;
};

class flights {
public:
    explicit flights(boost::asio::io_context& loop) : loop_{loop} {}

    /// Ends the flight where nobody else did, also by an exception.
    class ticket {
    public:
        ticket(flights& all, std::string question, std::shared_ptr<flight> own);
        ~ticket();
        ticket(const ticket&) = delete;
        ticket& operator=(const ticket&) = delete;

        void land(parsed<answer_ptr> made) { own_->end(std::move(made)); }

    private:
        flights& all_;
        std::string question_;
        std::shared_ptr<flight> own_;
    };

    /// The last one of that question that is under way; null when there is none.
    [[nodiscard]] std::shared_ptr<flight> find(const std::string& question) const;
    /// Takes the place of one that is under way.
    [[nodiscard]] std::unique_ptr<ticket> begin(const std::string& question, boot_time sent,
                                                const coherence::stamp& at);

private:
    boost::asio::io_context& loop_;
    boost::unordered_map<std::string, std::shared_ptr<flight>> by_question_;
};

}  // namespace shoal::views
