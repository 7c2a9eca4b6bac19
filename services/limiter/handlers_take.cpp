// What is asked about one key.

#include <algorithm>
#include <utility>

#include "services/limiter/handlers.hpp"
#include "services/limiter/handlers_requests.hpp"

namespace shoal::limiter {
namespace {

constexpr const char* json_type = "application/json";

http::response refuse_refund(const boost::system::error_code& why)
{
    if (why == errc::deadline_exceeded)
        return refuse({504, "the request's deadline passed before the refund; nothing was given back"});
    if (why == errc::redis_unavailable)
        return refuse({503, "Redis does not answer; nothing was given back; repeat the refund later"});
    return refuse({503,
                   "Redis did not answer, so the refund may have been made; repeating it blindly could give back "
                   "twice: look with GET first"});
}

}  // namespace

parsed<handlers::subject> handlers::subject_of(const request& of) const
{
    const auto* const rule = book_->find(of.parameters[0]);
    if (rule == nullptr) return refusal{404, "no such rule; GET /v1/limits lists the rules in force"};
    auto key = read_key(of.parameters[1]);
    if (key.has_error()) return key.error();
    return subject{.book = book_, .rule = rule, .key = std::move(*key)};
}

parsed<handlers::subject> handlers::charge_of(const request& of) const
{
    auto found = subject_of(of);
    if (found.has_error()) return found;
    if (found->rule->by.kind == algorithm::concurrency)
        return refusal{409,
                       "this rule counts slots; acquire one with POST /v1/limits/{rule}/{key}/slots and release "
                       "it with DELETE /v1/limits/{rule}/{key}/slots/{id}"};
    const auto cost = read_cost(of.query, of.body);
    if (cost.has_error()) return cost.error();
    found->cost = *cost;
    return found;
}

http::reply handlers::take(request& of)
{
    auto charged = charge_of(of);
    if (charged.has_error()) return refuse(charged.error());
    if (const auto above = refuse_cost(charged->cost, charged->rule->by.max_cost)) return refuse(*above);
    const auto once = idempotency_key_of(of);
    if (once.has_error()) return refuse(once.error());
    if (*once) return await_take_once(std::move(*charged), **once, of);
    return decide(std::move(*charged), {}, of);
}

http::reply handlers::decide(subject of, statuses as, request& from)
{
    auto taken = store_->take(of.rule->by, of.key.view(), of.cost, deadline_of(from));
    if (const auto* const made = std::get_if<outcome>(&taken)) return tell(of, *made, as);
    return await_take(std::move(of), std::get<pending>(std::move(taken)), as, from);
}

handlers::later handlers::await_take(subject of, pending made, statuses as, request& from)
{
    const auto sent = boot_clock::now();
    const auto decided = co_await std::move(made);
    from.add_timing("redis", boot_clock::now() - sent);
    co_return tell(of, decided, as);
}

http::response handlers::tell(const subject& of, const outcome& made, statuses as)
{
    const auto said = referee_.settle(*of.rule, of.key.view(), made);
    return answer(*of.rule, made, said, said.allowed ? as.allowed : as.refused);
}

http::response handlers::tell(const subject& of, const result<outcome>& made, statuses as)
{
    if (made.has_value()) return tell(of, *made, as);
    const auto instead = referee_.take(*of.rule, of.key.view(), of.cost, made.error());
    if (instead.has_value()) return tell(of, *instead, as);
    auto why = instead.error();
    if (why.status == 503) why.status = as.unavailable;
    return refuse(why);
}

handlers::later handlers::await_take_once(subject of, std::string_view idempotency_key, request& from)
{
    const auto sent = boot_clock::now();
    const auto decided =
        co_await store_->take_once(of.rule->by, of.key.view(), of.cost, idempotency_key, deadline_of(from));
    from.add_timing("redis", boot_clock::now() - sent);
    if (decided.has_error() || !(decided->replayed || decided->other_cost)) co_return tell(of, decided, {});
    if (decided->other_cost)
        co_return refuse({422, "this Idempotency-Key was used with another cost in the last 5 minutes; use a new one"});
    const auto said = verdict_of(of.rule->by, *decided);
    co_return answer(*of.rule, *decided, said, said.allowed ? 200 : 429).add("Idempotency-Replayed", "true");
}

http::reply handlers::peek(request& of)
{
    auto found = subject_of(of);
    if (found.has_error()) return refuse(found.error());
    const auto cost = read_cost(of.query, of.body);
    if (cost.has_error()) return refuse(cost.error());
    if (const auto above = refuse_cost(*cost, found->rule->by.max_cost)) return refuse(*above);
    found->cost = *cost;
    return await_peek(std::move(*found), of);
}

handlers::later handlers::await_peek(subject of, request& from)
{
    const auto sent = boot_clock::now();
    const auto seen = co_await store_->peek(of.rule->by, of.key.view(), of.cost, deadline_of(from));
    from.add_timing("redis", boot_clock::now() - sent);
    const auto made =
        seen.has_value() ? parsed<outcome>{*seen} : referee_.peek(*of.rule, of.key.view(), of.cost, seen.error());
    if (made.has_error()) co_return refuse(made.error());
    co_return answer(*of.rule, *made, verdict_of(of.rule->by, *made), 200);
}

http::reply handlers::refund(request& of)
{
    if (const auto wrong = refuse_idempotency(of)) return refuse(*wrong);
    auto charged = charge_of(of);
    if (charged.has_error()) return refuse(charged.error());
    // Several takes may be given back in one go; more than a whole budget is never owed.
    const auto& by = charged->rule->by;
    charged->cost = std::min(charged->cost, std::max(by.limit, by.decide.burst));
    return await_refund(std::move(*charged), of);
}

handlers::later handlers::await_refund(subject of, request& from)
{
    const auto sent = boot_clock::now();
    const auto done = co_await store_->refund(of.rule->by, of.key.view(), of.cost, deadline_of(from));
    from.add_timing("redis", boot_clock::now() - sent);
    if (done.has_error()) co_return refuse_refund(done.error());
    const outcome made{.granted = true, .after = done->after};
    const auto said = verdict_of(of.rule->by, made);
    http::response answered{200};
    add_fields(answered, *of.rule, made, said);
    co_return std::move(answered).body(json_type, refund_json(done->cells, said));
}

http::reply handlers::forget(request& of)
{
    auto found = subject_of(of);
    if (found.has_error()) return refuse(found.error());
    return await_forget(std::move(*found), of);
}

handlers::later handlers::await_forget(subject of, request& from)
{
    const auto sent = boot_clock::now();
    const auto done = co_await store_->forget(of.rule->by, of.key.view(), deadline_of(from));
    from.add_timing("redis", boot_clock::now() - sent);
    referee_.forget(of.rule->by, of.key.view());
    if (done.has_value()) co_return http::response{204};
    if (done.error() == errc::deadline_exceeded)
        co_return refuse({504, "the request's deadline passed before the key was forgotten; repeat the DELETE"});
    co_return refuse({503, "Redis does not answer, so the key may not be forgotten; repeat the DELETE"});
}

}  // namespace shoal::limiter
