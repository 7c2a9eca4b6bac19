#include "services/limiter/handlers.hpp"

#include <charconv>
#include <utility>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "limiter_service_embedded.hpp"
#include "services/limiter/query.hpp"

namespace shoal::limiter {
namespace {

constexpr const char* json_type = "application/json";
constexpr std::size_t usual_top = 20;
constexpr std::size_t most_top = 128;

/// ?count=20, and nothing else.
parsed<std::size_t> count_of(std::string_view query)
{
    const refusal wrong{400, "the query must be empty or count, a whole number of 1 to 128, as in ?count=20"};
    const auto pair = next_pair(query);
    if (!pair) return usual_top;
    std::size_t count = 0;
    const auto* const end = pair->value.data() + pair->value.size();
    const auto [last, error] = std::from_chars(pair->value.data(), end, count);
    if (pair->name != "count" || error != std::errc{} || last != end || count < 1 || count > most_top) return wrong;
    if (next_pair(query)) return wrong;
    return count;
}

}  // namespace

std::function<void()> handlers::read(config::object& section, const worker::facts& known)
{
    auto made = std::make_shared<const rules>(read_rules(section, known.version));
    return [this, made = std::move(made), workers = known.workers] { apply(*made, workers); };
}

void handlers::apply(rules in_force, std::int64_t workers)
{
    shown_ = nlohmann::json::array();
    for (const auto& one : in_force) shown_.push_back(to_json(one));
    referee_.set_workers(workers);
    if (metrics_ == nullptr)
        first_rules_ = std::move(in_force);
    else
        book_ = std::make_shared<const rule_book>(std::move(in_force), *metrics_);
}

nlohmann::json handlers::effective() const
{
    return {{"rules", shown_}};
}

std::vector<http::route> handlers::start(const worker::context& from)
{
    metrics_ = &from.metrics;
    book_ = std::make_shared<const rule_book>(std::exchange(first_rules_, {}), *metrics_);
    store_.emplace(from.state, from.state_timeout);
    from.metrics.add_gauge("shoal_limiter_remembered_keys", "Keys of which a lease or a refusal is remembered.", {},
                           [this] { return static_cast<double>(store_->remembered()); });
    watch_redis(from);
    return routes();
}

void handlers::watch_redis(const worker::context& from)
{
    from.state.on_data_event([&log = from.log, &metrics = from.metrics](redis::data_event event) {
        const bool lost = event == redis::data_event::lost;
        metrics
            .add_counter("shoal_limiter_redis_data_events_total", "Times that Redis came back with older data or none.",
                         {{"event", lost ? "lost" : "restarted"}})
            .add();
        log.warning(lost ? "Redis lost its data: every key has its whole budget again"
                         : "Redis restarted: keys may have lost what was taken in its last second");
    });
}

std::vector<http::route> handlers::routes()
{
    using http::verb;
    const std::string_view all = "/v1/limits";
    const std::string_view key = "/v1/limits/{rule}/{key}";
    const std::string_view slots = "/v1/limits/{rule}/{key}/slots";
    const std::string_view slot = "/v1/limits/{rule}/{key}/slots/{id}";
    return {
        {verb::get, all, "rules", [this](request&) { return list_rules(); }},
        {verb::post, all, "batch", [this](request& r) { return batch(r); }},
        {verb::post, key, "take", [this](request& r) { return take(r); }},
        {verb::get, key, "peek", [this](request& r) { return peek(r); }},
        {verb::delete_, key, "forget", [this](request& r) { return forget(r); }},
        {verb::post, "/v1/limits/{rule}/{key}/refund", "refund", [this](request& r) { return refund(r); }},
        {verb::post, slots, "acquire", [this](request& r) { return acquire(r); }},
        {verb::put, slot, "renew", [this](request& r) { return renew(r); }},
        {verb::delete_, slot, "release", [this](request& r) { return release(r); }},
        {http::any_method, "/v1/check", "check", [this](request& r) { return check(r); }},
        {verb::get, "/v1/openapi.json", "openapi",
         [](request&) -> http::reply {
             return http::response{200}.body(json_type, std::string{embedded::openapi_json});
         }},
    };
}

std::vector<http::route> handlers::admin_routes()
{
    return {{http::verb::get, "/-/limits/top", "top", [this](request& r) { return list_refused(r); }}};
}

boost::asio::awaitable<void> handlers::drain()
{
    return store_->drain();
}

http::reply handlers::list_rules() const
{
    return http::response{200}.body(json_type, effective().dump() + '\n');
}

http::reply handlers::list_refused(const request& of) const
{
    const auto count = count_of(of.query);
    if (count.has_error()) return refuse(count.error());
    auto listed = nlohmann::json::array();
    for (const auto& one : referee_.top().most(*count))
        listed.push_back({{"rule", one.rule}, {"key", one.key}, {"refused", one.refused}, {"error", one.error}});
    return http::response{200}.body(json_type, nlohmann::json{{"refused", std::move(listed)}}.dump() + '\n');
}

}  // namespace shoal::limiter
