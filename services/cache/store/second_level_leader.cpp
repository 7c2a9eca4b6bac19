#include "services/cache/store/second_level_leader.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "cache_store_embedded.hpp"
#include "common/redis/client.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/memory/pieces.hpp"
#include "services/cache/store/second_level_entry.hpp"

namespace shoal::cache {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

/// Of one write to Redis.
constexpr std::size_t most_written = 256 * 1024;

std::string text_of(milliseconds duration)
{
    return std::to_string(duration.count());
}

/// Asks soon in the beginning, when somebody may have come at the same time; a long fill asks less often.
milliseconds pause_after(boot_clock::duration elapsed)
{
    return std::clamp(std::chrono::duration_cast<milliseconds>(elapsed / 16), milliseconds{20}, milliseconds{100});
}

/// What the tasks of a turn share with whoever holds it.
class turn_state : public std::enable_shared_from_this<turn_state> {
public:
    turn_state(const second_level_link& link, fill_turn turn) : link_{link}, turn_{std::move(turn)}, timer_{link.loop}
    {
    }

    void start() { link_.tasks.spawn("tending a shared fill", tend(shared_from_this())); }
    void begin(const shared_head& head);
    void add(shared_bytes piece);
    void end(const std::string& trailers);
    void uncacheable(milliseconds duration);
    [[nodiscard]] bool followed() const noexcept { return followed_ && begun_ && !closed_ && !finished_; }
    /// Nothing comes any more.
    void drop();

private:
    struct entry {
        std::string text;
        shared_bytes piece;
    };

    void finish();
    void give_up();
    void pump();
    void release();
    [[nodiscard]] std::vector<std::string> next_batch();
    [[nodiscard]] std::uint64_t first_kept(const std::vector<std::string>& more);

    // Each keeps the state it works on.
    static awaitable<void> tend(std::shared_ptr<turn_state> state);
    static awaitable<void> publish(std::shared_ptr<turn_state> state);
    static awaitable<void> give_back(std::shared_ptr<turn_state> state, std::string everybody_for);

    second_level_link link_;
    fill_turn turn_;
    boost::asio::steady_timer timer_;

    bool begun_ = false;
    /// Nothing is shared any more.
    bool closed_ = false;
    /// The lock is given back, or will be when everything is written.
    bool finished_ = false;
    /// Somebody follows, or is about to; once true, what comes is written.
    bool wanted_ = false;
    /// As of the last look.
    bool followed_ = false;
    bool writing_ = false;

    /// What has not been written; all of it while nobody waits.
    std::deque<entry> waiting_;
    std::uint64_t waiting_bytes_ = 0;
    /// Sizes of the entries that are in Redis.
    std::deque<std::size_t> written_;
    std::uint64_t written_bytes_ = 0;
    /// Number of the next entry.
    std::uint64_t next_ = 1;
};

void turn_state::begin(const shared_head& head)
{
    if (begun_ || finished_) return;
    begun_ = true;
    if (head.length.value_or(0) > link_.largest) return give_up();
    waiting_.push_back({.text = head_entry(head), .piece = {}});
    if (wanted_) pump();
}

void turn_state::add(shared_bytes piece)
{
    if (!begun_ || closed_ || finished_ || piece.view.empty()) return;
    waiting_bytes_ += piece.view.size();
    if (waiting_.empty() || !join(waiting_.back().piece, piece)) {
        waiting_bytes_ += piece_overhead;
        waiting_.push_back({.text = {}, .piece = std::move(piece)});
    }
    if (waiting_bytes_ > link_.largest) return give_up();
    if (wanted_) pump();
}

void turn_state::end(const std::string& trailers)
{
    if (finished_) return;
    if (begun_ && !closed_) waiting_.push_back({.text = end_entry(trailers), .piece = {}});
    finish();
}

void turn_state::drop()
{
    if (finished_) return;
    if (begun_ && !closed_) waiting_.push_back({.text = lost_entry(), .piece = {}});
    finish();
}

void turn_state::uncacheable(milliseconds duration)
{
    if (finished_) return;
    closed_ = true;
    finished_ = true;
    timer_.cancel();
    link_.tasks.spawn("giving back a fill's lock", give_back(shared_from_this(), text_of(duration)));
}

void turn_state::finish()
{
    finished_ = true;
    timer_.cancel();
    if (wanted_ && !closed_) {
        pump();
    } else {
        release();
    }
}

/// Too much for who comes late, or Redis does not keep up. Nobody has to wait for it in vain.
void turn_state::give_up()
{
    closed_ = true;
    waiting_.clear();
    waiting_bytes_ = 0;
    if (written_.empty() && !writing_) {
        link_.tasks.spawn("giving back a fill's lock", give_back(shared_from_this(), text_of(lasts::too_large)));
    } else {
        waiting_.push_back({.text = lost_entry(), .piece = {}});
        pump();
    }
}

void turn_state::pump()
{
    if (!std::exchange(writing_, true)) link_.tasks.spawn("sharing a fill", publish(shared_from_this()));
}

void turn_state::release()
{
    link_.tasks.spawn("giving back a fill's lock", give_back(shared_from_this(), {}));
}

std::vector<std::string> turn_state::next_batch()
{
    std::vector<std::string> made;
    std::size_t size = 0;
    while (!waiting_.empty() && size < most_written) {
        auto& next = waiting_.front();
        if (next.text.empty()) waiting_bytes_ -= next.piece.view.size() + piece_overhead;
        made.push_back(next.text.empty() ? piece_entry(next.piece.view) : std::move(next.text));
        size += made.back().size();
        waiting_.pop_front();
    }
    return made;
}

std::uint64_t turn_state::first_kept(const std::vector<std::string>& more)
{
    for (const auto& one : more) {
        written_.push_back(one.size() + piece_overhead);
        written_bytes_ += written_.back();
    }
    // Whoever has had them needs them no more; who comes now has lost.
    while (written_bytes_ > link_.largest + most_written && written_.size() > more.size()) {
        written_bytes_ -= written_.front();
        written_.pop_front();
    }
    return next_ + more.size() - written_.size();
}

awaitable<void> turn_state::tend(std::shared_ptr<turn_state> state)
{
    static const redis::script code{"second_tend", embedded::second_tend_lua};
    const std::array<std::string, 3> names{state->turn_.names.lock(), state->turn_.names.waiting(),
                                           state->turn_.names.stream(state->turn_.token)};
    const std::array<std::string_view, 3> keys{names[0], names[1], names[2]};
    const std::string lock_lasts = text_of(lasts::lock);
    const std::string stream_lasts = text_of(lasts::stream);
    const std::array<std::string_view, 3> arguments{state->turn_.token, lock_lasts, stream_lasts};
    const auto began = boot_clock::now();
    while (!state->finished_) {
        state->timer_.expires_after(pause_after(boot_clock::now() - began));
        boost::system::error_code cancelled;
        co_await state->timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
        if (state->finished_) co_return;
        const auto answer = co_await state->link_.redis.eval(code, keys, arguments);
        // Away, it may come back, and the lock is still there then or is not.
        if (!answer || answer->integer() == nullptr) continue;
        if (*answer->integer() < 0) co_return;
        state->followed_ = *answer->integer() > 0;
        if (state->followed_ && !std::exchange(state->wanted_, true) && !state->closed_ && !state->finished_)
            state->pump();
    }
}

awaitable<void> turn_state::publish(std::shared_ptr<turn_state> state)
{
    static const redis::script code{"second_publish", embedded::second_publish_lua};
    const std::string name = state->turn_.names.stream(state->turn_.token);
    const std::array<std::string_view, 1> keys{name};
    const std::string stream_lasts = text_of(lasts::stream);
    while (!state->waiting_.empty()) {
        const auto batch = state->next_batch();
        const std::string kept_from = std::to_string(state->first_kept(batch));
        const std::string number = std::to_string(state->next_);
        state->next_ += batch.size();
        std::vector<std::string_view> arguments{stream_lasts, kept_from, number};
        arguments.insert(arguments.end(), batch.begin(), batch.end());
        const auto answer = co_await state->link_.redis.eval(code, keys, arguments);
        if (answer) continue;
        // What may have been written can't be written again. Followers see that the lock is gone.
        state->closed_ = true;
        state->waiting_.clear();
    }
    state->writing_ = false;
    if (state->finished_) state->release();
}

awaitable<void> turn_state::give_back(std::shared_ptr<turn_state> state, std::string everybody_for)
{
    static const redis::script code{"second_release", embedded::second_release_lua};
    const std::string name = state->turn_.names.lock();
    const std::array<std::string_view, 1> keys{name};
    const std::array<std::string_view, 2> arguments{state->turn_.token, everybody_for};
    // In vain the lock runs out by itself.
    (void)co_await state->link_.redis.eval(code, keys, std::span{arguments}.first(everybody_for.empty() ? 1 : 2));
}

class leader final : public fill_leader {
public:
    explicit leader(std::shared_ptr<turn_state> state) : state_{std::move(state)} { state_->start(); }
    ~leader() override { state_->drop(); }
    leader(const leader&) = delete;
    leader& operator=(const leader&) = delete;

    void begin(shared_head head) override { state_->begin(head); }
    void add(shared_bytes piece) override { state_->add(std::move(piece)); }
    void end(std::string trailers) override { state_->end(trailers); }
    [[nodiscard]] bool followed() const noexcept override { return state_->followed(); }
    void uncacheable(milliseconds duration) override { state_->uncacheable(duration); }

private:
    std::shared_ptr<turn_state> state_;
};

}  // namespace

std::unique_ptr<fill_leader> make_leader(const second_level_link& link, fill_turn turn)
{
    return std::make_unique<leader>(std::make_shared<turn_state>(link, std::move(turn)));
}

}  // namespace shoal::cache
