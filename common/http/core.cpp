#include "common/http/core.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <unistd.h>

#include "common/core/incarnation.hpp"
#include "common/log/log.hpp"
#include "common/runtime/task_group.hpp"

namespace shoal::http {
namespace {

using namespace std::chrono_literals;

/// Connections over the limit that may be open at once while they are told so.
constexpr std::size_t turned_away_at_once = 128;

/// A time-out may come late by a quarter of itself.
std::chrono::milliseconds interval_for(const limits& bounds)
{
    const auto shortest = std::min({bounds.first_byte, bounds.headers, bounds.whole_body, bounds.idle, bounds.write});
    return std::clamp<std::chrono::milliseconds>(shortest / 4, 5ms, 250ms);
}

std::vector<std::string_view> route_names(const responder& answers)
{
    const auto* const table = std::get_if<router>(&answers);
    if (table == nullptr) return {"stream"};
    std::vector<std::string_view> names;
    for (const auto& one : table->routes()) names.push_back(one.name);
    return names;
}

}  // namespace

core::core(boost::asio::io_context& loop_, server_options chosen, responder who, runtime::task_group& group,
           log::logger& logger, metrics::registry& registry)
    : loop{loop_},
      options{std::move(chosen)},
      answers{std::move(who)},
      tasks{group},
      log{logger},
      metrics{registry, options.name, route_names(answers)},
      slow{options.slow},
      last_request{boot_clock::now()},
      fixed_lines{"X-Shoal-Worker: " + options.worker + "\r\n"},
      sweep_timer_{loop_},
      sweep_interval_{interval_for(options.bounds)},
      id_prefix_{random_incarnation().substr(0, 12) + '-'}
{
    if (options.bounds.concurrency) metrics.concurrency(waiting.emplace(*options.bounds.concurrency).current());
}

void core::adopt(int descriptor, int family)
{
    session::socket_type socket{loop};
    boost::system::error_code error;
    if (connections < options.bounds.connections + turned_away_at_once)
        socket.assign(boost::asio::generic::stream_protocol{family, 0}, descriptor, error);
    if (error || !socket.is_open()) {
        ::close(descriptor);
        metrics.rejected("connections");
        return;
    }
    const bool over_limit = connections >= options.bounds.connections;
    auto accepted = std::make_unique<session>(shared_from_this(), std::move(socket), over_limit);
    tasks.spawn("http session", session::serve(std::move(accepted)));
}

void core::start_sweeping()
{
    if (std::exchange(sweeping_, true)) return;
    sweep_timer_.expires_after(sweep_interval_);
    sweep_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        self->sweeping_ = false;
        if (error || self->orphaned) return;
        self->sweep();
        if (self->listening > 0 || !self->sessions.empty()) self->start_sweeping();
    });
}

void core::stop_sweeping_when_done()
{
    if (listening == 0 && sessions.empty()) sweep_timer_.cancel();
}

void core::sweep()
{
    const auto now = boot_clock::now();
    for (auto& one : sessions) one.expire(now);
}

std::string_view core::make_id(std::array<char, 40>& storage) noexcept
{
    auto* const counter = std::ranges::copy(id_prefix_, storage.data()).out;
    const auto [end, error] = std::to_chars(counter, storage.data() + storage.size(), ++next_id_);
    return {storage.data(), static_cast<std::size_t>(end - storage.data())};
}

}  // namespace shoal::http
