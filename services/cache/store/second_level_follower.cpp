#include "services/cache/store/second_level_follower.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <string_view>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "cache_store_embedded.hpp"
#include "common/redis/client.hpp"
#include "services/cache/store/second_level_entry.hpp"

namespace shoal::cache {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr std::string_view most_entries = "8";
/// Between two looks; longer for an origin that takes its time.
constexpr milliseconds shortest_pause{5};
constexpr milliseconds longest_pause{20};
constexpr int short_pauses = 100;

class follower final : public fill_follower {
public:
    follower(const second_level_link& link, fill_turn turn) : link_{link}, turn_{std::move(turn)}, timer_{link.loop} {}

    [[nodiscard]] awaitable<news> next(boot_time deadline) override;

private:
    [[nodiscard]] awaitable<void> look();
    void read(std::vector<redis::value> reply);
    void finish(step what);
    [[nodiscard]] awaitable<void> pause(boot_time deadline);

    second_level_link link_;
    fill_turn turn_;
    boost::asio::steady_timer timer_;
    std::deque<news> heard_;
    /// Number of the next entry.
    std::uint64_t next_ = 1;
    bool over_ = false;
    int pauses_ = 0;
};

awaitable<fill_follower::news> follower::next(boot_time deadline)
{
    while (heard_.empty() && !over_) {
        co_await look();
        if (!heard_.empty() || over_) break;
        if (boot_clock::now() >= deadline) co_return news{};
        co_await pause(deadline);
    }
    if (heard_.empty()) co_return news{.what = step::lost, .head = {}, .piece = {}, .trailers = {}};
    auto made = std::move(heard_.front());
    heard_.pop_front();
    co_return made;
}

awaitable<void> follower::look()
{
    static const redis::script code{"second_follow", embedded::second_follow_lua};
    const std::array<std::string, 3> names{turn_.names.lock(), turn_.names.stream(turn_.token), turn_.names.waiting()};
    const std::array<std::string_view, 3> keys{names[0], names[1], names[2]};
    const std::string number = std::to_string(next_);
    const std::string wait = std::to_string(lasts::wait.count());
    const std::array<std::string_view, 4> arguments{turn_.token, number, most_entries, wait};
    auto answer = co_await link_.redis.eval(code, keys, arguments);
    auto* const reply = answer ? std::get_if<std::vector<redis::value>>(&answer.value()) : nullptr;
    if (reply == nullptr || reply->size() < 2 || (*reply)[0].integer() == nullptr || (*reply)[1].integer() == nullptr) {
        finish(step::lost);
    } else {
        read(std::move(*reply));
    }
}

void follower::read(std::vector<redis::value> reply)
{
    const auto state = *reply[0].integer();
    if (reply.size() == 2) {
        // After the head a lock that is gone is a leader that is gone.
        const bool head_is_known = next_ > 1;
        if (state < 0) finish(head_is_known ? step::lost : step::nobodys);
        if (state == 0) finish(head_is_known ? step::lost : step::released);
        return;
    }
    // What comes first now is not what was next: it was dropped already.
    if (*reply[1].integer() != static_cast<std::int64_t>(next_)) return finish(step::lost);
    const auto wall_now = wall_clock::now();
    const auto now = boot_clock::now();
    for (std::size_t i = 2; i < reply.size() && !over_; ++i) {
        auto* const text = std::get_if<std::string>(&reply[i]);
        auto one = text == nullptr ? std::nullopt : read_entry(std::move(*text), wall_now, now);
        // A stream is a head, pieces, and an end.
        if (!one || (one->what == step::head) != (next_ == 1)) return finish(step::lost);
        if (one->what == step::lost) return finish(step::lost);
        over_ = one->what == step::end;
        heard_.push_back(*std::move(one));
        ++next_;
    }
}

void follower::finish(step what)
{
    over_ = true;
    // What can't be completed had better not be begun.
    if (what == step::lost) heard_.clear();
    heard_.push_back({.what = what, .head = {}, .piece = {}, .trailers = {}});
}

awaitable<void> follower::pause(boot_time deadline)
{
    const auto chosen = ++pauses_ <= short_pauses ? shortest_pause : longest_pause;
    timer_.expires_after(std::min<boot_clock::duration>(chosen, deadline - boot_clock::now()));
    boost::system::error_code ignored;
    co_await timer_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

}  // namespace

std::unique_ptr<fill_follower> make_follower(const second_level_link& link, fill_turn turn)
{
    return std::make_unique<follower>(link, std::move(turn));
}

}  // namespace shoal::cache
