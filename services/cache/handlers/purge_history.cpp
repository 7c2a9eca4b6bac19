#include "services/cache/handlers/purge_history.hpp"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include "common/core/text.hpp"
#include "services/cache/coherence.hpp"

namespace shoal::cache {
namespace {

using nlohmann::json;

constexpr std::size_t most_shown = 1000;
/// Beyond every sequence.
constexpr std::uint64_t newest = 0xFFFF'FFFF;

struct wanted_history {
    std::size_t count = 20;
    std::optional<std::string> tag;
};

std::optional<wanted_history> read(std::string_view query)
{
    wanted_history made;
    while (!query.empty()) {
        const auto one = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(one.size() + 1, query.size()));
        const auto equals = one.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        const auto value = one.substr(equals + 1);
        if (one.starts_with("count=")) {
            const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), made.count);
            if (wrong != std::errc{} || end != value.data() + value.size()) return std::nullopt;
            if (made.count == 0 || made.count > most_shown) return std::nullopt;
        } else if (one.starts_with("tag=")) {
            made.tag = percent_decode(value);
            if (!made.tag) return std::nullopt;
        } else {
            return std::nullopt;
        }
    }
    return made;
}

json to_json(const coherence::logged_purge& one)
{
    return {{"epoch", one.at.epoch}, {"sequence", one.at.sequence},
            {"at_us", one.time},     {"by", one.by},
            {"hard", one.hard},      {"soft", one.soft}};
}

/// What the log still has of one.
boost::asio::awaitable<result<json>> entry_of(coherence::purge_log& log, std::uint64_t sequence)
{
    json none;
    if (sequence == 0) co_return none;
    const auto found = co_await log.history(sequence, 1);
    if (!found) co_return found.error();
    if (found->empty() || found->front().at.sequence != sequence) co_return json{{"sequence", sequence}};
    co_return to_json(found->front());
}

boost::asio::awaitable<result<json>> last_of(coherence::purge_log& log, tag of)
{
    const auto cell = log.last(of);
    const auto hard = co_await entry_of(log, cell.hard);
    if (!hard) co_return hard.error();
    const auto soft = co_await entry_of(log, cell.soft);
    if (!soft) co_return soft.error();
    co_return json{{"hard", *hard}, {"soft", *soft}};
}

boost::asio::awaitable<result<json>> answer(engine& of, wanted_history wanted)
{
    const auto position = of.log.position();
    json made{{"epoch", position.epoch}, {"sequence", position.sequence}};
    if (wanted.tag) {
        const auto tag_itself = co_await last_of(of.log, tag_of(tag_kind::surrogate, "", *wanted.tag));
        if (!tag_itself) co_return tag_itself.error();
        const auto everything = co_await last_of(of.log, tag_of(tag_kind::all, "", ""));
        if (!everything) co_return everything.error();
        made["tag"] = *tag_itself;
        made["all"] = *everything;
        co_return made;
    }
    const auto found = co_await of.log.history(newest, wanted.count);
    if (!found) co_return found.error();
    made["purges"] = json::array();
    for (auto one = found->rbegin(); one != found->rend(); ++one) made["purges"].push_back(to_json(*one));
    co_return made;
}

boost::asio::awaitable<http::response> reply(engine& of, wanted_history wanted)
{
    const auto made = co_await answer(of, std::move(wanted));
    if (!made) co_return http::problem(503, "Redis does not say what was purged: " + made.error().message());
    co_return http::response{200}.body("application/json", made->dump());
}

}  // namespace

std::vector<http::route> purge_history_routes(engine& of)
{
    return {{http::verb::get, "/-/cache/purges", "purges", [&of](http::request& from) -> http::reply {
                 auto wanted = read(from.query);
                 if (!wanted) return http::problem(400, "say which: /-/cache/purges?count=N, 1 to 1000, or ?tag=TAG");
                 return reply(of, *std::move(wanted));
             }}};
}

}  // namespace shoal::cache
