#include "services/cache/handlers/purges.hpp"

#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "cache_handlers_embedded.hpp"
#include "common/log/log.hpp"
#include "common/runtime/task_group.hpp"
#include "services/cache/coherence.hpp"
#include "services/cache/protocol/fields.hpp"
#include "services/cache/site/client_address.hpp"
#include "services/cache/site/purge_request.hpp"

namespace shoal::cache {
namespace {

using namespace std::chrono_literals;

/// Beyond this, everything is purged.
constexpr std::size_t most_owed = 10'000;
constexpr auto between_tries = 500ms;

http::response unauthorized()
{
    auto answer = http::problem(401, "purging takes the token: Authorization: Bearer TOKEN");
    answer.add("WWW-Authenticate", "Bearer");
    return answer;
}

nlohmann::json to_json(const coherence::purge_receipt& of)
{
    return {{"epoch", of.at.epoch},
            {"sequence", of.at.sequence},
            {"confirmed", of.confirmed},
            {"fenced", of.fenced},
            {"took_ms", std::chrono::duration<double, std::milli>{of.took}.count()}};
}

}  // namespace

std::vector<http::route> purges::routes()
{
    return {{http::verb::post, "/v1/cache/purge", "purge", [this](http::request& from) { return post(from); }},
            {http::verb::get, "/v1/cache/openapi.json", "openapi", [](http::request&) {
                 return http::response{200}.body("application/json", std::string{embedded::openapi_json});
             }}};
}

bool purges::admits(std::span<const field_view> fields) const
{
    const auto& by = engine_.sites->of();
    if (const auto given = protocol::find(fields, "Authorization"); given && by.purge.admits_token(*given)) return true;
    return by.purge.admits_address(client_address(read_forwarded(fields), by.trusted_proxies));
}

http::reply purges::post(http::request& from)
{
    const auto& access = engine_.sites->of().purge;
    if (!access.admits_token(from.find(http::field::authorization).value_or(""))) return unauthorized();
    auto wanted = read_purge(from.body, engine_.sites->of().sites);
    if (!wanted) return http::problem(wanted.error().status, wanted.error().detail);
    return answer(std::move(wanted->tags), wanted->soft);
}

boost::asio::awaitable<http::response> purges::answer(std::vector<tag> tags, bool soft)
{
    coherence::purge what{.tags = std::move(tags), .soft = soft};
    const auto done = co_await engine_.log.acknowledge(std::move(what));
    if (!done) {
        engine_.on.log.warning("a purge could not be done", {{"error", done.error().message()}});
        auto answer = http::problem(503, done.error() == errc::redis_unavailable
                                             ? "Redis is not available: nothing was purged; try again"
                                             : "Redis did not answer: whether it was purged is not known; try again");
        answer.add("Retry-After", "1");
        co_return answer;
    }
    co_return http::response{200}.body("application/json", to_json(*done).dump());
}

boost::asio::awaitable<void> purges::follow(std::vector<tag> tags)
{
    coherence::purge what{.tags = tags, .soft = false};
    const auto done = co_await engine_.log.acknowledge(std::move(what));
    if (done) co_return;
    engine_.on.log.warning("what an unsafe request changed is purged later", {{"error", done.error().message()}});
    owe(tags);
}

void purges::owe(const std::vector<tag>& tags)
{
    owed_.insert(owed_.end(), tags.begin(), tags.end());
    if (owed_.size() > most_owed) owed_.assign(1, tag_of(tag_kind::all, {}, {}));
    if (std::exchange(paying_, true)) return;
    engine_.on.tasks.spawn("owed purges", pay());
}

boost::asio::awaitable<void> purges::pay()
{
    boost::asio::steady_timer pause{engine_.on.loop};
    while (!owed_.empty()) {
        pause.expires_after(between_tries);
        co_await pause.async_wait(boost::asio::use_awaitable);
        coherence::purge what{.tags = std::exchange(owed_, {}), .soft = false};
        const auto tags = what.tags;
        const auto done = co_await engine_.log.acknowledge(std::move(what));
        if (!done) owed_.insert(owed_.end(), tags.begin(), tags.end());
    }
    paying_ = false;
}

}  // namespace shoal::cache
