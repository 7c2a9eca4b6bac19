#include "services/cache/origin/exchange.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/core/ascii.hpp"
#include "services/cache/origin/incoming.hpp"

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
    }

    [[nodiscard]] asio::awaitable<outcome> run();

private:
    [[nodiscard]] asio::awaitable<boost::system::error_code> send_head();
    [[nodiscard]] asio::awaitable<boost::system::error_code> send_body();
    [[nodiscard]] asio::awaitable<boost::system::error_code> send_piece(std::string_view piece);
    [[nodiscard]] asio::awaitable<boost::system::error_code> send(std::span<const std::string_view> pieces);
    [[nodiscard]] asio::awaitable<boost::system::error_code> read_head();
    [[nodiscard]] asio::awaitable<void> pass_interims();
    [[nodiscard]] bool has_final_head() const noexcept { return on_.reader.current() > reading::interim; }
    [[nodiscard]] outcome judge(boost::system::error_code error);

    lease& held_;
    connection& on_;
    outgoing& what_;
    boot_time deadline_;
    /// The kernel takes no more: the origin has closed, maybe after it had answered.
    bool broken_ = false;
    bool sent_all_ = false;
};

asio::awaitable<outcome> sending::run()
{
    on_.reader.begin(what_.head_method);
    on_.spoiled = true;
    auto error = co_await send_head();
    if (!error && what_.body) error = co_await send_body();
    on_.spoiled = !sent_all_;
    if (!error) error = co_await read_head();
    co_return judge(error);
}

asio::awaitable<boost::system::error_code> sending::send_head()
{
    std::array<char, 64> framing;
    std::string_view end{"\r\n"};
    if (what_.body && what_.body_length)
        end = {framing.data(),
               fmt::format_to_n(framing.data(), framing.size(), "Content-Length: {}\r\n\r\n", *what_.body_length).size};
    else if (what_.body)
        end = "Transfer-Encoding: chunked\r\n\r\n";
    const std::array<std::string_view, 2> pieces{what_.head, end};
    const auto error = co_await send(pieces);
    sent_all_ = !error && !broken_ && !what_.body;
    co_return error;
}

/// Sends all, unless the answer's head comes first, or the connection breaks.
asio::awaitable<boost::system::error_code> sending::send(std::span<const std::string_view> pieces)
{
    using sent = connection::sent;
    auto state = on_.send_now(pieces);
    while (state == sent::some) {
        const auto rest = co_await on_.send_rest(held_.of().bounds().between_bytes);
        if (!rest) co_return rest.error();
        state = *rest;
        if (state != sent::some) break;
        if (const auto got = on_.receive_now(); !got) co_return got.error();
        co_await pass_interims();
        if (has_final_head()) co_return boost::system::error_code{};
        on_.watch();
    }
    broken_ = state == sent::failed;
    co_return boost::system::error_code{};
}

asio::awaitable<boost::system::error_code> sending::send_body()
{
    auto left = what_.body_length.value_or(0);
    on_.watch();
    while (!broken_ && !has_final_head()) {
        const auto piece = co_await what_.body();
        if (!piece) co_return piece.error();
        if (on_.noticed()) {
            if (const auto got = on_.receive_now(); !got) break;
            co_await pass_interims();
            if (has_final_head()) break;
            on_.watch();
        }
        if (what_.body_length) {
            if (piece->size() > left || (piece->empty() && left > 0)) co_return errc::malformed_body;
            left -= piece->size();
        }
        if (const auto error = co_await send_piece(*piece)) co_return error;
        sent_all_ = piece->empty() && !broken_ && on_.sent_all();
        if (piece->empty()) break;
    }
    co_return boost::system::error_code{};
}

/// The empty one is the last.
asio::awaitable<boost::system::error_code> sending::send_piece(std::string_view piece)
{
    if (what_.body_length) {
        const std::array<std::string_view, 1> plain{piece};
        co_return co_await send(plain);
    }
    std::array<char, 24> size;
    const auto length = fmt::format_to_n(size.data(), size.size(), "{:x}\r\n", piece.size()).size;
    const std::array<std::string_view, 3> chunk{std::string_view{size.data(), length}, piece, "\r\n"};
    co_return co_await send(chunk);
}

asio::awaitable<boost::system::error_code> sending::read_head()
{
    const auto until = std::min(deadline_, boot_clock::now() + held_.of().bounds().first_byte);
    while (!has_final_head()) {
        const auto got = co_await on_.receive(until);
        if (!got) co_return got.error();
        if (on_.reader.current() == reading::interim) co_await pass_interims();
    }
    co_return boost::system::error_code{};
}

asio::awaitable<void> sending::pass_interims()
{
    while (on_.reader.current() == reading::interim) {
        const auto& head = on_.reader.head();
        if (head.status != 100 && what_.on_interim) co_await what_.on_interim(head.status, end_to_end_lines(head));
        on_.reader.next();
    }
}

outcome sending::judge(boost::system::error_code error)
{
    auto& reader = on_.reader;
    if (!error && reader.current() == reading::cut_short) error = errc::origin_lost;
    if (!error && reader.current() == reading::malformed) error = errc::origin_malformed;
    if (!error) return {.got = std::make_unique<incoming>(std::move(held_)), .error = {}};
    return {.got = nullptr, .error = error, .unanswered = error == errc::origin_lost && !reader.begun()};
}

}  // namespace

asio::awaitable<outcome> exchange(lease& held, outgoing& what, boot_time deadline)
{
    sending all{held, what, deadline};
    co_return co_await all.run();
}

}  // namespace shoal::cache::origin
