#include "services/cache/origin/server.hpp"

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"

namespace shoal::cache::origin {

namespace asio = boost::asio;

shared_parts::shared_parts(asio::io_context& on, settings what, log::logger& to, metrics::registry& metrics,
                           resolver_options asking)
    : loop{on},
      chosen{std::move(what)},
      log{to},
      counts{std::make_shared<instruments>(metrics, chosen.site)},
      deadlines{std::make_shared<alarm>(on)},
      names{on, std::move(asking)},
      reader_bounds{.head = chosen.bounds.head, .header_count = chosen.bounds.header_count}
{
}

// Out of memory here ends the process, as it would anywhere.
// NOLINTBEGIN(bugprone-exception-escape)
lease& lease::operator=(lease&& other) noexcept
{
    give_back();
    on = std::move(other.on);
    reused = other.reused;
    telling = other.telling;
    from_ = std::move(other.from_);
    return *this;
}

void lease::give_back() noexcept
{
    if (const auto from = std::exchange(from_, nullptr)) from->take_back(std::move(on));
}
// NOLINTEND(bugprone-exception-escape)

server::server(std::shared_ptr<shared_parts> parts, const std::string& text, metrics::gauge& healthy)
    : parts_{std::move(parts)},
      where_{parse_address(text)},
      healthy_{healthy},
      health_{{.checked = parts_->chosen.check.has_value()}}
{
    healthy_.set(1);
}

server::~server() = default;

asio::awaitable<result<lease>> server::acquire(std::shared_ptr<server> self, boot_time wait_until, boot_time deadline)
{
    lease got;
    if (!self->take_idle(got)) {
        if (self->leased_ < self->bounds().connections) {
            ++self->leased_;
            got = lease{self};
        } else {
            if (self->waiting_ >= self->bounds().connections) co_return errc::origin_busy;
            in_line here{self->parts_->loop};
            self->line_.push_back(here);
            ++self->waiting_;
            co_await here.wait(std::min(wait_until, deadline));
            --self->waiting_;
            if (!here.given) co_return errc::origin_busy;
            got = std::move(here.given);
        }
    }
    if (got.on) co_return got;
    auto& parts = *self->parts_;
    got.on = std::make_shared<connection>(parts.loop, parts.deadlines, parts.counts, parts.reader_bounds);
    const auto connected =
        co_await self->connect(*got.on, std::min(deadline, boot_clock::now() + self->bounds().connect));
    if (connected) co_return got;
    got.on.reset();
    co_return connected.error();
}

/// The one that was used last is the most likely to be open still.
bool server::take_idle(lease& into)
{
    while (!idle_.empty()) {
        auto on = std::move(idle_.back().on);
        idle_.pop_back();
        if (!on->quiet()) continue;
        ++leased_;
        into = lease{shared_from_this()};
        into.on = std::move(on);
        into.reused = true;
        return true;
    }
    return false;
}

asio::awaitable<result<void>> server::connect(connection& on, boot_time deadline)
{
    if (where_.fixed) co_return co_await on.connect(*where_.fixed, deadline);
    auto known = co_await parts_->names.find(where_.name, deadline);
    if (!known) co_return known.error();
    co_return co_await connect_to_any(on, std::move(*known), deadline);
}

/// Each address gets its share of the time that is left.
asio::awaitable<result<void>> server::connect_to_any(connection& on, addresses known, boot_time deadline)
{
    const auto count = known->size();
    const auto first = preferred_;
    for (std::size_t i = 0; i < count; ++i) {
        const auto now = boot_clock::now();
        const auto share = (deadline - now) / static_cast<std::int64_t>(count - i);
        const auto at = (first + i) % count;
        const auto connected = co_await on.connect(tcp_endpoint((*known)[at], where_.port), now + share);
        if (!connected) continue;
        preferred_ = at;
        co_return connected;
    }
    co_return errc::origin_unreachable;
}

/// Whoever waits gets it, or the right to open another one.
// NOLINTNEXTLINE(bugprone-exception-escape)
void server::take_back(std::shared_ptr<connection> on) noexcept
{
    const bool reusable = on && !on->spoiled && on->reader.reusable() && !stopped_;
    if (!reusable) on.reset();
    if (!line_.empty()) {
        auto& next = static_cast<in_line&>(line_.front());
        next.given = lease{shared_from_this()};
        next.given.reused = reusable;
        next.given.on = std::move(on);
        next.wake();
        return;
    }
    --leased_;
    if (!reusable) return;
    const auto now = boot_clock::now();
    idle_.push_back({std::move(on), now});
    if (idle_.size() == 1) parts_->deadlines->set(*this, now + bounds().idle);
}

void server::expired()
{
    const auto now = boot_clock::now();
    const auto old = std::ranges::find_if(idle_, [&](const kept& one) { return now - one.since < bounds().idle; });
    idle_.erase(idle_.begin(), old);
    if (!idle_.empty()) parts_->deadlines->set(*this, idle_.front().since + bounds().idle);
}

void server::drop_idle()
{
    idle_.clear();
}

void server::stop()
{
    stopped_ = true;
    drop_idle();
}

void server::answered()
{
    const bool before = health_.healthy();
    health_.answered();
    note_health(before);
}

void server::succeeded()
{
    const bool before = health_.healthy();
    health_.succeeded();
    note_health(before);
}

void server::passed()
{
    const bool before = health_.healthy();
    health_.passed();
    note_health(before);
}

void server::failed(errc why)
{
    const bool before = health_.healthy();
    health_.failed(boot_clock::now());
    if (before != health_.healthy() && !parts_->counts->abandoned())
        parts_->log.warning(
            "origin server is out",
            {{"site", parts_->chosen.site}, {"server", name()}, {"error", make_error_code(why).message()}});
    note_health(before);
}

void server::note_health(bool before)
{
    if (before == health_.healthy() || parts_->counts->abandoned()) return;
    healthy_.set(before ? 0 : 1);
    if (!before) parts_->log.info("origin server is back", {{"site", parts_->chosen.site}, {"server", name()}});
}

}  // namespace shoal::cache::origin
