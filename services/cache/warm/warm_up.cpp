#include "services/cache/warm/warm_up.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/log/log.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/warm/hottest.hpp"
#include "services/cache/warm/listing.hpp"
#include "services/cache/warm/local_get.hpp"

namespace shoal::cache {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::awaitable;

/// Records that are asked for at the same time. Each may be as large as the second level keeps them.
constexpr std::size_t lanes = 16;
/// For the listing: a process that is busy answers within this, one that hangs is not waited for.
constexpr auto patience = 2s;
constexpr auto look_again = 1ms;
constexpr auto connecting = 1s;

class loading {
public:
    loading(const warm_parts& with, std::stop_token over, std::string listing)
        : with_{with},
          over_{std::move(over)},
          text_{std::move(listing)},
          ended_{with.loop, asio::steady_timer::time_point::max()}
    {
    }

    /// False when it can't be read.
    [[nodiscard]] bool read();
    [[nodiscard]] static awaitable<void> run(std::shared_ptr<loading> self);
    [[nodiscard]] std::size_t length() const noexcept { return list_.size(); }
    [[nodiscard]] std::size_t restored() const noexcept { return restored_; }

private:
    [[nodiscard]] awaitable<void> wait_for_both();
    [[nodiscard]] static awaitable<void> load_next_ones(std::shared_ptr<loading> self);
    [[nodiscard]] bool over() const noexcept { return full_ || over_.stop_requested(); }
    void keep(const stored_ptr& what, s3_fifo::rank rank);

    warm_parts with_;
    std::stop_token over_;
    std::string text_;
    /// Views into the text.
    std::vector<listed> list_;
    std::size_t next_ = 0;
    std::size_t restored_ = 0;
    bool full_ = false;
    std::size_t running_ = 0;
    asio::steady_timer ended_;
};

bool loading::read()
{
    auto list = read_listing(text_);
    if (!list) return false;
    list_ = *std::move(list);
    return true;
}

awaitable<void> loading::run(std::shared_ptr<loading> self)
{
    co_await self->wait_for_both();
    for (std::size_t i = 0; i < lanes; ++i) {
        ++self->running_;
        self->with_.tasks.spawn("warming", load_next_ones(self));
    }
    // Those that had nothing to wait for have ended by now.
    while (self->running_ > 0) co_await self->ended_.async_wait(asio::as_tuple(asio::use_awaitable));
}

/// Without a lease nothing can be judged, nor served; a second level that is away is waited for a little.
awaitable<void> loading::wait_for_both()
{
    asio::steady_timer pause{with_.loop};
    const auto patient_until = boot_clock::now() + connecting;
    const auto ready = [&](boot_time now) {
        return with_.purges.current(now) && (with_.l2.available() || now >= patient_until);
    };
    while (!over() && !ready(boot_clock::now())) {
        pause.expires_after(look_again);
        co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

/// Ends at its first failure: where Redis is slow fewer go on, where it is away none.
awaitable<void> loading::load_next_ones(std::shared_ptr<loading> self)
{
    while (!self->over() && self->next_ < self->list_.size()) {
        const auto one = self->list_[self->next_++];
        const auto found = co_await self->with_.l2.load(std::string{one.name});
        if (!found || self->over()) break;
        if (*found) self->keep(*found, one.rank);
    }
    if (--self->running_ == 0) self->ended_.cancel();
}

void loading::keep(const stored_ptr& what, s3_fifo::rank rank)
{
    if (with_.purges.judge(what->since(), what->tags()) == standing::purged) return;
    if (with_.l1.restore(what, rank))
        ++restored_;
    else
        full_ = true;
}

}  // namespace

awaitable<std::size_t> warm_up(warm_parts with, worker::succession from)
{
    auto& log = with.log;
    const auto began = boot_clock::now();
    local_get question{.socket = from.admin_path,
                       .target = std::string{hottest_path},
                       .most_bytes = most_listing_bytes,
                       .patience = patience};
    auto answer = co_await get(with.loop, std::move(question), from.over);
    if (!answer) {
        const bool nobody = answer.error().category() == boost::system::system_category();
        const auto why = answer.error().message();
        if (nobody)
            log.info("nobody has the place: memory begins empty", {{"reason", why}});
        else
            log.warning("the process before this one did not say what it has: memory begins empty", {{"reason", why}});
        co_return 0;
    }
    const auto work = std::make_shared<loading>(with, from.over, *std::move(answer));
    if (!work->read()) {
        log.warning("what the process before this one says it has is not understood: memory begins empty");
        co_return 0;
    }
    co_await loading::run(work);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(boot_clock::now() - began);
    log.info("warmed", {{"objects", work->restored()}, {"listed", work->length()}, {"ms", took.count()}});
    co_return work->restored();
}

}  // namespace shoal::cache
