#include "services/cache/origin/origin.hpp"

#include <array>
#include <utility>

#include "common/config/reader.hpp"
#include "common/core/retry_budget.hpp"
#include "common/log/log.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/origin/check.hpp"
#include "services/cache/origin/exchange.hpp"
#include "services/cache/origin/server.hpp"

namespace shoal::cache::origin {
namespace {

namespace asio = boost::asio;
using servers = std::vector<std::shared_ptr<server>>;

constexpr std::size_t most_servers = 64;
constexpr std::chrono::seconds between_complaints{10};

servers make_servers(const std::shared_ptr<shared_parts>& parts, metrics::registry& metrics)
{
    const auto& chosen = parts->chosen;
    if (chosen.servers.empty() || chosen.servers.size() > most_servers)
        throw config::error{"an origin has from 1 to 64 servers"};
    servers made;
    for (const auto& text : chosen.servers)
        made.push_back(std::make_shared<server>(
            parts, text,
            metrics.add_gauge("shoal_cache_origin_healthy", "1 for a server of a site's origin that requests go to.",
                              {{"site", chosen.site}, {"server", text}})));
    return made;
}

}  // namespace

class origin::impl {
public:
    impl(asio::io_context& loop, settings chosen, runtime::task_group& tasks, log::logger& log,
         metrics::registry& metrics)
        : parts_{std::make_shared<shared_parts>(loop, std::move(chosen), log, metrics)},
          servers_{make_servers(parts_, metrics)},
          tasks_{tasks}
    {
    }

    void start();
    void stop();
    void abandon();
    [[nodiscard]] static asio::awaitable<result<std::unique_ptr<answer>>> send(std::shared_ptr<impl> self,
                                                                               outgoing what, boot_time deadline);

private:
    using tried_servers = std::uint64_t;

    [[nodiscard]] std::shared_ptr<server> next_server(tried_servers& tried, bool refused_before);
    [[nodiscard]] bool may_repeat();
    void blame(server& at, const boost::system::error_code& error, boot_time deadline);
    void log_refused(const lease& held);

    std::shared_ptr<shared_parts> parts_;
    servers servers_;
    retry_budget repeats_{boot_clock::now()};
    runtime::task_group& tasks_;
    std::vector<std::shared_ptr<check>> checks_;
    std::size_t rotation_ = 0;
    boot_time next_complaint_{boot_time::min()};
};

void origin::impl::stop()
{
    for (const auto& one : checks_) one->stop();
    checks_.clear();
    for (const auto& one : servers_) one->stop();
}

void origin::impl::abandon()
{
    stop();
    parts_->counts->abandon();
}

/// A server that has refused the connection was sent nothing, so the request may go to another one that is well. That
/// none is well is what the budget is for.
std::shared_ptr<server> origin::impl::next_server(tried_servers& tried, bool refused_before)
{
    std::array<candidate, most_servers> seen;
    for (std::size_t i = 0; i < servers_.size(); ++i)
        seen[i] = {&servers_[i]->state(), servers_[i]->full(), (tried >> i & 1) != 0};
    const auto now = boot_clock::now();
    auto at = choose({seen.data(), servers_.size()}, rotation_, now);
    if (at && refused_before && !servers_[*at]->state().healthy()) {
        for (std::size_t i = 0; i < servers_.size(); ++i) seen[i].tried |= !servers_[i]->state().healthy();
        if (const auto well = choose({seen.data(), servers_.size()}, rotation_, now))
            at = well;
        else if (!may_repeat())
            return nullptr;
    }
    if (!at) return nullptr;
    rotation_ = (*at + 1) % servers_.size();
    tried |= tried_servers{1} << *at;
    if (servers_[*at]->state().due(now)) servers_[*at]->begin_probe(now);
    return servers_[*at];
}

bool origin::impl::may_repeat()
{
    const bool may = repeats_.spend(boot_clock::now());
    parts_->counts->repeated(may);
    return may;
}

asio::awaitable<result<std::unique_ptr<answer>>> origin::impl::send(std::shared_ptr<impl> self, outgoing what,
                                                                    boot_time deadline)
{
    self->repeats_.earn();
    // However many servers are full.
    const auto wait_until = boot_clock::now() + self->parts_->chosen.bounds.connect;
    tried_servers tried = 0;
    std::shared_ptr<server> again;
    bool repeated = false;
    bool refused = false;
    boost::system::error_code error = errc::origin_unreachable;
    while (boot_clock::now() < deadline) {
        const auto at = again ? std::exchange(again, nullptr) : self->next_server(tried, refused);
        if (!at) break;
        auto held = co_await server::acquire(at, wait_until, deadline);
        if (!held) {
            error = held.error();
            if (error != errc::origin_unreachable) continue;
            refused = true;
            self->blame(*at, error, deadline);
            continue;
        }
        auto made = co_await exchange(*held, what, deadline);
        if (made.got) co_return std::move(made.got);
        error = made.error;
        const bool stale = made.unanswered && held->reused;
        self->log_refused(*held);
        held->give_back();
        if (!stale) self->blame(*at, error, deadline);
        if (!stale || repeated || !what.idempotent || what.body) break;
        // The others that wait there are as old.
        at->drop_idle();
        // An origin that closes because it fails looks like one that had closed before: the budget is for both.
        if (!self->may_repeat()) break;
        repeated = true;
        again = at;
    }
    if (error.category() == shoal_category()) self->parts_->counts->failed(static_cast<errc>(error.value()));
    co_return error;
}

/// Not for what the caller's deadline cut short: that tells nothing about the server.
void origin::impl::blame(server& at, const boost::system::error_code& error, boot_time deadline)
{
    const bool telling =
        error == errc::origin_unreachable || error == errc::origin_timeout || error == errc::origin_lost;
    if (telling && boot_clock::now() < deadline) at.failed(static_cast<errc>(error.value()));
}

/// Not more often than there is somebody to read it.
void origin::impl::log_refused(const lease& held)
{
    const auto why = held.on->reader.refused();
    const auto now = boot_clock::now();
    if (why.empty() || now < next_complaint_) return;
    next_complaint_ = now + between_complaints;
    parts_->log.warning("origin's answer is malformed",
                        {{"site", parts_->chosen.site}, {"server", held.of().name()}, {"why", why}});
}

void origin::impl::start()
{
    if (!parts_->chosen.check) return;
    for (const auto& one : servers_) {
        checks_.push_back(std::make_shared<check>(one));
        tasks_.spawn("origin check", check::run(checks_.back()));
    }
}

origin::origin(asio::io_context& loop, settings chosen, runtime::task_group& tasks, log::logger& log,
               metrics::registry& metrics)
    : impl_{std::make_shared<impl>(loop, std::move(chosen), tasks, log, metrics)}
{
}

origin::~origin()
{
    impl_->abandon();
}

void origin::start()
{
    impl_->start();
}

void origin::stop()
{
    impl_->stop();
}

asio::awaitable<result<std::unique_ptr<answer>>> origin::send(outgoing what, boot_time deadline)
{
    return impl::send(impl_, std::move(what), deadline);
}

}  // namespace shoal::cache::origin
