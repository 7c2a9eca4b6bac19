#include "services/cache/origin/incoming.hpp"

#include <utility>

namespace shoal::cache::origin {

namespace asio = boost::asio;
using reading = http::response_reader::state;

incoming::incoming(lease held, std::unique_ptr<request_body> unsent)
    : held_{std::move(held)}, unsent_{std::move(unsent)}, head_{held_.on->reader.release_head()}
{
    if (held_.telling) held_.of().answered();
    advance();
}

std::optional<std::uint64_t> incoming::length() const noexcept
{
    if (head_.body == http::framing::none) return 0;
    if (head_.body == http::framing::length) return head_.length;
    return std::nullopt;
}

/// Takes the next piece of what was received. The connection is given back when nothing is to follow.
void incoming::advance()
{
    auto& reader = held_.on->reader;
    next_ = reader.take();
    switch (reader.current()) {
    case reading::done:
        trailers_ = reader.trailers();
        if (held_.telling) held_.of().succeeded();
        held_.give_back();
        break;
    case reading::malformed: fail(errc::origin_malformed); break;
    case reading::cut_short: fail(errc::origin_lost); break;
    default: break;
    }
}

void incoming::fail(boost::system::error_code why)
{
    auto& from = held_.of();
    failure_ = why;
    const auto code = static_cast<errc>(why.value());
    from.parts().counts->failed(code);
    if (held_.telling && why != errc::origin_malformed) from.failed(code);
    held_.give_back();
}

asio::awaitable<void> incoming::send_rest()
{
    if (!takes_rest()) co_return;
    // The answer may come to its end meanwhile, and the lease with it.
    const auto on = held_.on;
    auto sent = co_await on->send_rest();
    while (sent == connection::sent::all && !unsent_->ended()) {
        const auto piece = co_await unsent_->next();
        if (!piece) {
            body_failure_ = piece.error();
            co_return on->shut();
        }
        sent = on->send_now(*piece);
        if (sent == connection::sent::some) sent = co_await on->send_rest();
    }
    if (sent == connection::sent::all) on->spoiled = false;
}

asio::awaitable<result<shared_bytes>> incoming::read()
{
    while (held_ && next_.view.empty()) {
        const auto got = co_await held_.on->receive(boot_clock::now() + held_.of().bounds().between_bytes);
        if (body_failure_) {
            failure_ = body_failure_;
            held_.give_back();
        } else if (got) {
            advance();
        } else {
            fail(got.error());
        }
    }
    if (!next_.view.empty()) {
        auto piece = std::exchange(next_, {});
        if (held_) advance();
        co_return piece;
    }
    if (failure_) co_return failure_;
    co_return shared_bytes{};
}

}  // namespace shoal::cache::origin
