#include "services/limiter/handlers.hpp"

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"
#include "common/metrics/metrics.hpp"
#include "common/redis/client.hpp"
#include "services/limiter/parameters.hpp"
#include "services/limiter/verdict.hpp"

namespace shoal::limiter {
namespace {

constexpr const char* json_type = "application/json";

http::response answer(const rule& by, const verdict& said, unsigned status)
{
    http::response made{status};
    made.add("RateLimit-Policy", policy_field(by)).add("RateLimit", limit_field(by, said));
    if (status == 429) made.add("Retry-After", std::to_string(retry_after_seconds(said)));
    made.body(json_type, to_json(said));
    return made;
}

http::response refuse(const refusal& why)
{
    return http::problem(why.status, why.detail);
}

http::response answer_without_redis(const rule& by, const boost::system::error_code& why)
{
    if (why == errc::deadline_exceeded)
        return http::problem(504, "the request's deadline passed before a decision; nothing was taken");
    if (by.outage == without_redis::deny)
        return http::problem(503, "Redis does not answer and the rule denies meanwhile; try again later")
            .add("Retry-After", "1");
    http::response made{200};
    made.add("RateLimit-Policy", policy_field(by));
    return std::move(made).body(json_type, to_json(verdict{.allowed = true, .limit = by.limit}));
}

boot_time deadline_of(const http::request& request)
{
    return request.deadline.value_or(boot_time::max());
}

}  // namespace

std::function<void()> handlers::read(config::object& section, const worker::facts& known)
{
    auto read = std::make_shared<const rules>(read_rules(section, known.version));
    return [this, read = std::move(read)] { rules_ = read; };
}

nlohmann::json handlers::effective() const
{
    auto listed = nlohmann::json::array();
    for (const auto& one : *rules_) listed.push_back(to_json(one));
    return {{"rules", std::move(listed)}};
}

std::vector<http::route> handlers::start(const worker::context& from)
{
    store_.emplace(from.state, from.state_timeout);
    const std::string name = "shoal_limiter_decisions_total";
    const std::string help = "Decisions on POST, by verdict and by who made them.";
    const auto counter = [&](const char* verdict, const char* by) {
        return &from.metrics.add_counter(name, help, {{"verdict", verdict}, {"by", by}});
    };
    count_ = {.allowed = counter("allowed", "redis"),
              .refused = counter("refused", "redis"),
              .allowed_without_redis = counter("allowed", "policy"),
              .refused_without_redis = counter("refused", "policy")};

    from.state.on_data_event([&log = from.log, &metrics = from.metrics](redis::data_event event) {
        const bool lost = event == redis::data_event::lost;
        metrics
            .add_counter("shoal_limiter_redis_data_events_total", "Times that Redis came back with older data or none.",
                         {{"event", lost ? "lost" : "restarted"}})
            .add();
        log.warning(lost ? "Redis lost its data: every key has its whole budget again"
                         : "Redis restarted: keys may have lost what was taken in its last second");
    });

    using http::request;
    const std::string_view key = "/v1/limits/{rule}/{key}";
    return {
        {http::verb::get, "/v1/limits", "rules", [this](request&) { return list_rules(); }},
        {http::verb::post, key, "take", [this](request& r) { return on_key(verb::take, r); }},
        {http::verb::get, key, "peek", [this](request& r) { return on_key(verb::peek, r); }},
        {http::verb::delete_, key, "forget", [this](request& r) { return on_key(verb::forget, r); }},
    };
}

http::reply handlers::list_rules() const
{
    return http::response{200}.body(json_type, effective().dump() + '\n');
}

http::reply handlers::on_key(verb what, http::request& request)
{
    subject of{.in_force = rules_};
    const auto found = std::ranges::find(*of.in_force, request.parameters[0], &rule::name);
    if (found != of.in_force->end()) of.by = &*found;
    if (of.by == nullptr) return http::problem(404, "no such rule; GET /v1/limits lists the rules in force");
    auto key = read_key(request.parameters[1]);
    if (key.has_error()) return refuse(key.error());
    of.key = key->view();
    if (what == verb::forget) return forget(std::move(of), request);

    const auto cost = read_cost(request.query, request.body);
    if (cost.has_error()) return refuse(cost.error());
    if (const auto above = refuse_cost(*cost, of.by->max_cost)) return refuse(*above);
    of.cost = *cost;
    return decide(std::move(of), what == verb::peek, request);
}

boost::asio::awaitable<http::response> handlers::decide(subject of, bool peek, http::request& request)
{
    const auto sent = boot_clock::now();
    result<outcome> made = errc::redis_unavailable;
    if (peek) {
        made = co_await store_->peek(*of.by, of.key, of.cost, deadline_of(request));
    } else {
        auto taken = store_->take(*of.by, of.key, of.cost, deadline_of(request));
        if (auto* const known = std::get_if<outcome>(&taken))
            made = *known;
        else
            made = co_await std::get<boost::asio::awaitable<result<outcome>>>(std::move(taken));
    }
    request.add_timing("redis", boot_clock::now() - sent);
    if (made.has_error()) {
        auto answered = answer_without_redis(*of.by, made.error());
        if (!peek) (answered.status() == 200 ? count_.allowed_without_redis : count_.refused_without_redis)->add();
        co_return answered;
    }
    const auto said = verdict_of(*of.by, *made);
    if (peek) co_return answer(*of.by, said, 200);
    (made->granted ? count_.allowed : count_.refused)->add();
    co_return answer(*of.by, said, made->granted ? 200 : 429);
}

boost::asio::awaitable<http::response> handlers::forget(subject of, http::request& request)
{
    const auto sent = boot_clock::now();
    const auto done = co_await store_->forget(*of.by, of.key, deadline_of(request));
    request.add_timing("redis", boot_clock::now() - sent);
    if (done.has_value()) co_return http::response{204};
    co_return http::problem(503, "Redis does not answer, so the key may not be forgotten; repeat the DELETE")
        .add("Retry-After", "1");
}

}  // namespace shoal::limiter
