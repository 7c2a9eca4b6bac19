#include "common/redis/handshake.hpp"

#include "common/core/incarnation.hpp"
#include "common/redis/client.hpp"

#include <array>

namespace shoal::redis {
namespace {

using arguments = std::span<const std::string_view>;
namespace asio = boost::asio;

const std::string* error_of(const value& reply) noexcept
{
    const auto* error = std::get_if<error_text>(&reply);
    return error != nullptr ? &error->text : nullptr;
}

std::string_view first_word(std::string_view text) noexcept
{
    return text.substr(0, text.find(' '));
}

/// Empty when the server let us in. Of its answer only the code is kept: Redis quotes arguments in some errors.
asio::awaitable<std::string> authenticate(const endpoint& where, const exchange_function& exchange)
{
    if (where.password.empty()) co_return std::string{};
    const std::array<std::string_view, 3> command{"AUTH", where.username, where.password};
    const std::array<std::string_view, 2> without_user{"AUTH", where.password};
    const auto reply = co_await exchange(where.username.empty() ? arguments{without_user} : arguments{command});
    if (!reply) co_return "no answer to AUTH";
    if (const auto* error = error_of(*reply)) co_return "AUTH was refused: " + std::string{first_word(*error)};
    co_return std::string{};
}

asio::awaitable<handshake_outcome> find_run_id(const exchange_function& exchange)
{
    static constexpr std::array<std::string_view, 2> command{"INFO", "server"};
    const auto reply = co_await exchange(command);
    if (!reply) co_return handshake_outcome{{}, "no answer to INFO"};
    if (const auto* error = error_of(*reply)) co_return handshake_outcome{{}, "INFO was refused: " + *error};
    const auto* text = reply->text();
    const auto run_id = text != nullptr ? info_field(*text, "run_id") : std::string_view{};
    if (run_id.empty()) co_return handshake_outcome{{}, "INFO does not name a run_id"};
    co_return handshake_outcome{identity{std::string{run_id}, {}}, {}};
}

/// Why the server can't be used for now, from the error reply to a write; empty for what concerns only some
/// commands (out of memory, a snapshot that failed).
std::string refusal_of(std::string_view error)
{
    const auto code = first_word(error);
    if (code == "READONLY") return "this Redis is a read-only replica: point Shoal at the master";
    if (code == "LOADING") return "Redis is loading its data";
    if (code == "MISCONF" || code == "OOM" || code == "NOREPLICAS") return {};
    return "the epoch key can't be written: " + std::string{error};
}

/// SET NX by whoever comes first, then everybody reads what is there: all workers agree on one epoch.
asio::awaitable<handshake_outcome> find_epoch(const exchange_function& exchange, identity server)
{
    const auto fresh = random_incarnation();
    const std::array<std::string_view, 4> offer{"SET", epoch_key, fresh, "NX"};
    const auto offered = co_await exchange(offer);
    if (!offered) co_return handshake_outcome{{}, "no answer to SET"};
    const auto* error = error_of(*offered);
    auto refusal = error != nullptr ? refusal_of(*error) : std::string{};
    if (!refusal.empty()) co_return handshake_outcome{{}, std::move(refusal)};

    static constexpr std::array<std::string_view, 2> question{"GET", epoch_key};
    const auto epoch = co_await exchange(question);
    if (!epoch) co_return handshake_outcome{{}, "no answer to GET"};
    if (const auto* text = epoch->text(); text != nullptr && !text->empty()) {
        server.epoch = *text;
        co_return handshake_outcome{std::move(server), {}};
    }
    if (error == nullptr) error = error_of(*epoch);
    co_return handshake_outcome{{}, "there is no epoch key" + (error != nullptr ? ": " + *error : std::string{})};
}

}  // namespace

std::optional<data_event> compare(const identity& before, const identity& now) noexcept
{
    if (before.epoch != now.epoch) return data_event::lost;
    if (before.run_id != now.run_id) return data_event::restarted;
    return std::nullopt;
}

std::string_view info_field(std::string_view info, std::string_view name) noexcept
{
    while (!info.empty()) {
        const auto end = info.find("\r\n");
        const auto line = info.substr(0, end);
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
            return line.substr(name.size() + 1);
        if (end == std::string_view::npos) break;
        info.remove_prefix(end + 2);
    }
    return {};
}

asio::awaitable<handshake_outcome> shake_hands(const endpoint& where, const exchange_function& exchange)
{
    auto refused = co_await authenticate(where, exchange);
    if (!refused.empty()) co_return handshake_outcome{{}, std::move(refused)};
    auto outcome = co_await find_run_id(exchange);
    if (!outcome.server) co_return outcome;
    co_return co_await find_epoch(exchange, std::move(*outcome.server));
}

}  // namespace shoal::redis
