// Slots of a concurrency rule: acquired, renewed, released.

#include <chrono>
#include <utility>

#include "common/core/incarnation.hpp"
#include "services/limiter/handlers.hpp"
#include "services/limiter/handlers_requests.hpp"
#include "services/limiter/slot_request.hpp"

namespace shoal::limiter {
namespace {

using std::chrono::milliseconds;

constexpr const char* json_type = "application/json";

refusal no_such_slot()
{
    return {404, "no such slot: it was released or its ttl has passed, and another may hold it now; acquire a new one"};
}

http::response tell_slot(const listed_rule& rule, const outcome& made, const verdict& said, std::string_view id,
                         std::int64_t ttl_ms, unsigned status)
{
    http::response answered{status};
    add_fields(answered, rule, made, said);
    return std::move(answered).body(json_type, slot_json(id, ttl_ms, said));
}

}  // namespace

parsed<handlers::subject> handlers::slot_subject_of(const request& of) const
{
    if (auto wrong = refuse_idempotency(of)) return *std::move(wrong);
    auto found = subject_of(of);
    if (found.has_error()) return found;
    if (found->rule->by.kind != algorithm::concurrency)
        return refusal{409,
                       "slots are of rules with \"algorithm\": \"concurrency\"; take from this one with POST "
                       "/v1/limits/{rule}/{key}"};
    return found;
}

http::reply handlers::acquire(request& of)
{
    auto found = slot_subject_of(of);
    if (found.has_error()) return refuse(found.error());
    const auto ttl_ms = read_ttl_ms(of.query, of.body, found->rule->by.max_ttl_ms);
    if (ttl_ms.has_error()) return refuse(ttl_ms.error());
    return await_acquire(std::move(*found), *ttl_ms, of);
}

handlers::later handlers::await_acquire(subject of, std::int64_t ttl_ms, request& from)
{
    const auto& by = of.rule->by;
    const auto id = random_incarnation();
    const auto sent = boot_clock::now();
    const auto acquired =
        co_await store_->slots().acquire(by, of.key.view(), id, milliseconds{ttl_ms}, deadline_of(from));
    from.add_timing("redis", boot_clock::now() - sent);
    const auto made = acquired.has_value() ? parsed<outcome>{*acquired}
                                           : referee_.acquire(*of.rule, of.key.view(), id, ttl_ms, acquired.error());
    if (made.has_error()) co_return refuse(made.error());
    const auto said = referee_.settle(*of.rule, of.key.view(), *made);
    if (!said.allowed) co_return answer(*of.rule, *made, said, 429);
    auto answered = tell_slot(*of.rule, *made, said, id, ttl_ms, 201);
    co_return std::move(answered).add("Location", std::string{from.path} + '/' + id);
}

http::reply handlers::renew(request& of)
{
    auto found = slot_subject_of(of);
    if (found.has_error()) return refuse(found.error());
    if (!is_slot_id(of.parameters[2])) return refuse(no_such_slot());
    const auto ttl_ms = read_ttl_ms(of.query, of.body, found->rule->by.max_ttl_ms);
    if (ttl_ms.has_error()) return refuse(ttl_ms.error());
    return await_renew(std::move(*found), *ttl_ms, of);
}

handlers::later handlers::await_renew(subject of, std::int64_t ttl_ms, request& from)
{
    const auto& by = of.rule->by;
    const auto id = from.parameters[2];
    const auto sent = boot_clock::now();
    const auto renewed = co_await store_->slots().renew(by, of.key.view(), id, milliseconds{ttl_ms}, deadline_of(from));
    from.add_timing("redis", boot_clock::now() - sent);
    const auto made = renewed.has_value() ? parsed<outcome>{*renewed}
                                          : referee_.renew(*of.rule, of.key.view(), id, ttl_ms, renewed.error());
    if (made.has_error()) co_return refuse(made.error());
    const auto said = verdict_of(by, *made);
    if (!said.allowed) co_return refuse(no_such_slot());
    co_return tell_slot(*of.rule, *made, said, id, ttl_ms, 200);
}

http::reply handlers::release(request& of)
{
    auto found = slot_subject_of(of);
    if (found.has_error()) return refuse(found.error());
    if (!is_slot_id(of.parameters[2])) return refuse(no_such_slot());
    return await_release(std::move(*found), of);
}

handlers::later handlers::await_release(subject of, request& from)
{
    const auto id = from.parameters[2];
    const auto sent = boot_clock::now();
    const auto done = co_await store_->slots().release(of.rule->by, of.key.view(), id, deadline_of(from));
    from.add_timing("redis", boot_clock::now() - sent);
    const bool held_here = referee_.release(of.rule->by, of.key.view(), id);
    if (done.has_value() || held_here) co_return http::response{204};
    if (done.error() == errc::deadline_exceeded)
        co_return refuse({504, "the request's deadline passed before the slot was released; repeat the DELETE"});
    co_return refuse({503, "Redis does not answer, so the slot may still be held; repeat the DELETE"});
}

}  // namespace shoal::limiter
