#include "services/cache/origin/incoming.hpp"

#include <utility>

namespace shoal::cache::origin {

namespace asio = boost::asio;
using reading = http::response_reader::state;

incoming::incoming(lease held) : held_{std::move(held)}, head_{held_.on->reader.release_head()}
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

asio::awaitable<result<shared_bytes>> incoming::read()
{
    while (held_ && next_.view.empty()) {
        const auto got = co_await held_.on->receive(boot_clock::now() + held_.of().bounds().between_bytes);
        if (got)
            advance();
        else
            fail(got.error());
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
