#include "services/cache/origin/exchange.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "common/core/ascii.hpp"
#include "common/runtime/beside.hpp"
#include "services/cache/origin/incoming.hpp"
#include "services/cache/origin/request_body.hpp"

namespace shoal::cache::origin {
namespace {

namespace asio = boost::asio;
using reading = http::response_reader::state;

/// Connection and what it may name at this hop.
bool is_hop_by_hop(const http::header& one) noexcept
{
    using http::field;
    switch (one.name) {
    case field::connection:
    case field::content_length:
    case field::keep_alive:
    case field::proxy_authenticate:
    case field::proxy_connection:
    case field::te:
    case field::trailer:
    case field::transfer_encoding:
    case field::upgrade: return true;
    default: return false;
    }
}

std::string end_to_end_lines(const http::response_head& head)
{
    std::string lines;
    for (const auto& one : head.headers)
        if (!is_hop_by_hop(one)) lines.append(one.name_text).append(": ").append(one.value).append("\r\n");
    return lines;
}

class sending {
public:
    sending(lease& held, outgoing& what, boot_time deadline)
        : held_{held}, on_{*held.on}, what_{what}, deadline_{deadline}
    {
        if (what.body) body_ = std::make_unique<request_body>(what.body, what.body_length);
    }

    [[nodiscard]] asio::awaitable<outcome> run();

private:
    using sent = connection::sent;

    [[nodiscard]] asio::awaitable<void> send_rest(sent so_far);
    [[nodiscard]] asio::awaitable<sent> take_rest();
    void await_answer();
    void expire_after(std::chrono::nanoseconds patience);
    [[nodiscard]] asio::awaitable<void> read_head();
    [[nodiscard]] asio::awaitable<void> pass_interims();
    [[nodiscard]] bool has_final_head() const noexcept { return on_.reader.current() > reading::interim; }
    [[nodiscard]] outcome judge();

    lease& held_;
    connection& on_;
    outgoing& what_;
    boot_time deadline_;
    /// What the answer's head must have come by, or the origin have taken what it is sent.
    boot_time due_ = boot_time::max();
    std::unique_ptr<request_body> body_;
    /// Nothing more is to be sent, or can be: the origin has closed, maybe after it had answered.
    bool sent_all_ = false;
    boost::system::error_code error_;
};

asio::awaitable<outcome> sending::run()
{
    on_.reader.begin(what_.head_method);
    on_.spoiled = true;
    const std::array<std::string_view, 2> pieces{what_.head, body_ ? body_->framing() : "\r\n"};
    const auto so_far = on_.send_now(pieces);
    if (so_far == sent::some || (so_far == sent::all && body_)) {
        co_await runtime::beside(read_head(), send_rest(so_far));
    } else {
        on_.spoiled = so_far == sent::failed;
        await_answer();
        co_await read_head();
    }
    co_return judge();
}

/// Ends early, with more to send, when the answer's head has come.
asio::awaitable<void> sending::send_rest(sent so_far)
{
    if (so_far == sent::some) so_far = co_await take_rest();
    while (so_far == sent::all && body_ && !body_->ended()) {
        const auto pieces = co_await body_->next();
        if (has_final_head()) co_return;
        if (!pieces) {
            error_ = pieces.error();
            co_return on_.shut();
        }
        so_far = on_.send_now(*pieces);
        if (so_far == sent::some) so_far = co_await take_rest();
    }
    if (has_final_head()) co_return;
    on_.spoiled = so_far != sent::all;
    await_answer();
}

asio::awaitable<connection::sent> sending::take_rest()
{
    expire_after(held_.of().bounds().between_bytes);
    const auto state = co_await on_.send_rest();
    if (!has_final_head()) expire_after(std::chrono::nanoseconds::max());
    co_return state;
}

void sending::await_answer()
{
    sent_all_ = true;
    expire_after(held_.of().bounds().first_byte);
}

void sending::expire_after(std::chrono::nanoseconds patience)
{
    const auto now = boot_clock::now();
    due_ = std::min(deadline_, patience < boot_time::max() - now ? now + patience : boot_time::max());
    on_.expire_at(due_);
}

asio::awaitable<void> sending::read_head()
{
    due_ = std::min(due_, deadline_);
    while (!has_final_head()) {
        const auto got = co_await on_.receive(due_);
        if (!error_ && !got) error_ = got.error();
        if (error_) co_return;
        if (on_.reader.current() == reading::interim) co_await pass_interims();
    }
}

asio::awaitable<void> sending::pass_interims()
{
    while (on_.reader.current() == reading::interim) {
        const auto& head = on_.reader.head();
        if (head.status != 100 && what_.on_interim) co_await what_.on_interim(head.status, end_to_end_lines(head));
        on_.reader.next();
    }
}

outcome sending::judge()
{
    auto& reader = on_.reader;
    if (!error_ && reader.current() == reading::cut_short) error_ = errc::origin_lost;
    if (!error_ && reader.current() == reading::malformed) error_ = errc::origin_malformed;
    if (error_) return {.got = nullptr, .error = error_, .unanswered = error_ == errc::origin_lost && !reader.begun()};
    if (sent_all_) body_.reset();
    return {.got = std::make_unique<incoming>(std::move(held_), std::move(body_)), .error = {}};
}

}  // namespace

asio::awaitable<outcome> exchange(lease& held, outgoing& what, boot_time deadline)
{
    sending all{held, what, deadline};
    co_return co_await all.run();
}

}  // namespace shoal::cache::origin
