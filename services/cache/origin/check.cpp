#include "services/cache/origin/check.hpp"

#include <utility>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "services/cache/origin/exchange.hpp"

namespace shoal::cache::origin {

namespace asio = boost::asio;

check::check(std::shared_ptr<server> of) : of_{std::move(of)}, timer_{of_->parts().loop} {}

void check::stop()
{
    stopped_ = true;
    timer_.cancel();
}

asio::awaitable<void> check::run(std::shared_ptr<check> self)
{
    while (!self->stopped_) {
        co_await self->ask();
        if (self->stopped_) break;
        self->timer_.expires_after(self->of_->parts().chosen.check->interval);
        co_await self->timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

/// Any status below 400 passes. Where all connections are taken nothing is learned, and requests tell anyway.
asio::awaitable<void> check::ask()
{
    const auto& asked = *of_->parts().chosen.check;
    const auto deadline = boot_clock::now() + asked.timeout;
    if (of_->full()) co_return;
    auto held = co_await server::acquire(of_, deadline, deadline);
    if (!held) {
        if (held.error() == errc::origin_unreachable) of_->failed(errc::origin_unreachable);
        co_return;
    }
    held->telling = false;
    outgoing what;
    what.head = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: shoal-check\r\n", asked.path, asked.host);
    const auto made = co_await exchange(*held, what, deadline);
    if (made.got && made.got->status() < 400)
        of_->passed();
    else
        of_->failed(made.got ? errc::origin_malformed : static_cast<errc>(made.error.value()));
}

}  // namespace shoal::cache::origin
