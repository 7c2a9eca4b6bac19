#include "services/relay/postgres/replication.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace shoal::relay {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr auto connect_patience = 5s;
constexpr auto answer_patience = 5s;
/// Then others of the loop have their turn.
constexpr int most_at_once = 256;
/// PostgreSQL sends each message by itself. Where they come this close, to wake up for each costs both ends more than
/// all else: so after some in a row they gather.
constexpr auto dense = 100us;
constexpr int many_in_a_row = 16;
constexpr auto gather_time = 500us;

std::string identifier(std::string_view name)
{
    std::string made{"\""};
    for (const char each : name) made.append(each == '"' ? 2 : 1, each);
    return made += '"';
}

std::int64_t now_for_postgres() noexcept
{
    using std::chrono::sys_days;
    constexpr sys_days its_epoch{std::chrono::January / 1 / 2000};
    const auto since = std::chrono::system_clock::now() - its_epoch;
    return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

}  // namespace

asio::awaitable<result<std::string>> replication::connect(const database_settings& to)
{
    const auto connected = co_await stream_.connect(to, connection::kind::replication, connect_patience);
    if (!connected) co_return connected.error();
    const auto who = co_await stream_.query("IDENTIFY_SYSTEM", answer_patience);
    if (!who) co_return who.error();
    if (who->size() != 1 || who->front().size() < 4) co_return errc::database_malformed;
    const auto& row = who->front();
    co_return fmt::format("{}/{}/{}", row[0], row[1], row[3]);
}

asio::awaitable<result<slot_state>> replication::start(std::string_view slot, std::string_view publication)
{
    // The list of publications is itself a list of identifiers.
    std::string names;
    for (const char each : identifier(publication)) names.append(each == '\'' ? 2 : 1, each);
    const auto started = co_await stream_.query(
        fmt::format(
            "START_REPLICATION SLOT {} LOGICAL 0/0 (proto_version '1', publication_names '{}', messages 'true')",
            identifier(slot), names),
        answer_patience);
    if (started) co_return slot_state::taken;
    if (stream_.state() == object_in_use) co_return slot_state::in_use;
    co_return started.error();
}

asio::awaitable<result<stream_message>> replication::receive()
{
    auto got = stream_.receive_now();
    if (got && got->empty()) {
        at_once_ = 0;
        if (in_a_row_ >= many_in_a_row) co_await gather();
        const auto asked = std::chrono::steady_clock::now();
        got = co_await stream_.receive();
        in_a_row_ = std::chrono::steady_clock::now() - asked < dense ? std::min(in_a_row_ + 1, many_in_a_row) : 0;
    } else if (++at_once_ >= most_at_once) {
        at_once_ = 0;
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
    if (!got) co_return got.error();
    co_return read_stream(*got);
}

asio::awaitable<void> replication::gather()
{
    asio::steady_timer over{co_await asio::this_coro::executor, gather_time};
    boost::system::error_code woken;
    co_await over.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

asio::awaitable<result<void>> replication::confirm(lsn received, lsn done)
{
    return stream_.send(status_update(received, done, done, now_for_postgres(), true));
}

}  // namespace shoal::relay
