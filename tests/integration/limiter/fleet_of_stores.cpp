#include "tests/integration/limiter/fleet_of_stores.hpp"

#include <string_view>
#include <variant>

namespace shoal::test {

using boost::asio::awaitable;

awaitable<result<limiter::outcome>> taken(limiter::store& at, const limiter::rule& by, std::string key,
                                          std::int64_t cost)
{
    auto made = at.take(by, key, cost, boot_time::max());
    if (const auto* known = std::get_if<limiter::outcome>(&made)) co_return *known;
    co_return co_await std::get<awaitable<result<limiter::outcome>>>(std::move(made));
}

fleet_of_stores::member::member(redis::client& client, std::chrono::milliseconds timeout)
    : clock{timeout}, cells{client, clock}, store{client, timeout}
{
}

fleet_of_stores::fleet_of_stores(std::size_t workers, std::chrono::milliseconds timeout)
    : lines_{server, workers, timeout}
{
    for (std::size_t i = 0; i < workers; ++i) workers_.push_back(std::make_unique<member>(lines_.at(i), timeout));
}

result<limiter::outcome> fleet_of_stores::take(const limiter::rule& by, const std::string& key, std::int64_t cost,
                                               std::size_t worker)
{
    return await(taken(at(worker), by, key, cost));
}

result<limiter::outcome> fleet_of_stores::take_once(const limiter::rule& by, const std::string& key, std::int64_t cost,
                                                    const std::string& idempotency_key, std::size_t worker)
{
    return await(at(worker).take_once(by, key, cost, idempotency_key, boot_time::max()));
}

result<limiter::refunded> fleet_of_stores::refund(const limiter::rule& by, const std::string& key, std::int64_t cost)
{
    return await(at(0).refund(by, key, cost, boot_time::max()));
}

result<void> fleet_of_stores::forget(const limiter::rule& by, const std::string& key)
{
    return await(at(0).forget(by, key, boot_time::max()));
}

void fleet_of_stores::drain(std::size_t worker)
{
    bool done = false;
    const auto task = [](limiter::store& of, bool& ended) -> awaitable<void> {
        co_await of.drain();
        ended = true;
    };
    spawn(task(at(worker), done));
    until([&done] { return done; });
}

result<limiter::cell_reply> fleet_of_stores::run(const limiter::rule& by, const std::string& key,
                                                 const limiter::ask& asked, std::size_t worker)
{
    std::string tag;
    limiter::cell_store::append_tag(tag, by, key);
    return await(cells(worker).run(tag, by, asked, boot_time::max()));
}

limiter::standing fleet_of_stores::peek_past_memory(const limiter::rule& by, const std::string& key)
{
    const auto made = run(by, key, {});
    return standing_of(made->heard.judged, made->heard.made.after, 1, made->heard.now_us);
}

result<redis::value> fleet_of_stores::command(const std::vector<std::string>& arguments)
{
    const std::vector<std::string_view> views{arguments.begin(), arguments.end()};
    return await(lines_.at(0).command(views));
}

}  // namespace shoal::test
