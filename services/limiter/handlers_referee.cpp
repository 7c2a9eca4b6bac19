#include "services/limiter/handlers_referee.hpp"

#include <chrono>

#include "common/core/clock.hpp"
#include "common/core/error.hpp"
#include "common/metrics/metrics.hpp"

namespace shoal::limiter {
namespace {

constexpr const char* json_type = "application/json";
/// After which an outage may be over.
constexpr std::int64_t outage_us = 1'000'000;

local_time now()
{
    const auto us = [](auto time) {
        return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    };
    return {.boot_us = us(boot_clock::now()), .wall_us = us(wall_clock::now())};
}

refusal too_late()
{
    return {504, "the request's deadline passed before a decision; nothing was taken"};
}

void add_number(http::response& to, std::string_view name, std::int64_t number)
{
    field_text text;
    to.add(name, text.add(number));
}

}  // namespace

verdict referee::settle(const listed_rule& rule, std::string_view key, const outcome& made)
{
    using said = rule_counters::verdict;
    const auto as = made.granted ? said::allowed : rule.by.shadow ? said::shadow : said::refused;
    rule.count.decisions(as, made.by).add();
    if (made.leased > 0) rule.count.leased_cells->add(static_cast<std::uint64_t>(made.leased));
    if (made.returned > 0) rule.count.returned_cells->add(static_cast<std::uint64_t>(made.returned));
    if (!made.granted) top_.add(rule.by.name, key);
    return verdict_of(rule.by, made);
}

/// In shadow mode a refusal is only told.
parsed<outcome> referee::denied(const rule& by, const boost::system::error_code& why)
{
    if (by.shadow) return outcome{.after = {.retry_after_us = outage_us}, .by = decided_by::policy};
    return refusal{503, why == errc::redis_outcome_unknown
                            ? "Redis did not answer in time and the rule denies meanwhile; something may have been "
                              "taken; try again later"
                            : "Redis does not answer and the rule denies meanwhile; try again later"};
}

parsed<outcome> referee::take(const listed_rule& rule, std::string_view key, std::int64_t cost,
                              const boost::system::error_code& why)
{
    if (why == errc::deadline_exceeded) return too_late();
    if (rule.by.outage == without_redis::allow) return outcome{.granted = true, .by = decided_by::policy};
    if (rule.by.outage == without_redis::local) return local_.take(rule.by, key, cost, now());
    auto made = denied(rule.by, why);
    if (made.has_error()) rule.count.decisions(rule_counters::verdict::refused, decided_by::policy).add();
    return made;
}

parsed<outcome> referee::peek(const listed_rule& rule, std::string_view key, std::int64_t cost,
                              const boost::system::error_code& why)
{
    if (why == errc::deadline_exceeded) return too_late();
    if (rule.by.outage == without_redis::allow) return outcome{.granted = true, .by = decided_by::policy};
    if (rule.by.outage == without_redis::local) return local_.peek(rule.by, key, cost, now());
    return refusal{503, "Redis does not answer, so nobody knows how the key stands; try again later"};
}

parsed<outcome> referee::acquire(const listed_rule& rule, std::string_view key, std::string_view id,
                                 std::int64_t ttl_ms, const boost::system::error_code& why)
{
    if (rule.by.outage == without_redis::local && why != errc::deadline_exceeded)
        return local_.acquire(rule.by, key, id, ttl_ms, now());
    return take(rule, key, 1, why);
}

parsed<outcome> referee::renew(const listed_rule& rule, std::string_view key, std::string_view id, std::int64_t ttl_ms,
                               const boost::system::error_code& why)
{
    if (why == errc::deadline_exceeded)
        return refusal{504, "the request's deadline passed before the slot was renewed"};
    if (rule.by.outage == without_redis::allow) return outcome{.granted = true, .by = decided_by::policy};
    if (rule.by.outage == without_redis::local)
        if (auto made = local_.renew(rule.by, key, id, ttl_ms, now())) return *made;
    if (rule.by.shadow) return denied(rule.by, why);
    return refusal{503,
                   "Redis does not answer, so the slot may not be renewed; repeat the PUT before its ttl has passed"};
}

bool referee::release(const rule& by, std::string_view key, std::string_view id)
{
    return local_.release(by, key, id, now());
}

bool knows_standing(const rule& by, const outcome& made) noexcept
{
    return made.by != decided_by::policy || by.outage == without_redis::local;
}

void add_fields(http::response& to, const listed_rule& rule, const outcome& made, const verdict& said)
{
    switch (rule.by.headers) {
    case dialect::ratelimit:
        to.add("RateLimit-Policy", rule.policy);
        if (knows_standing(rule.by, made)) to.add("RateLimit", limit_field(rule.by, said));
        break;
    case dialect::x_ratelimit:
        add_number(to, "X-RateLimit-Limit", said.limit);
        if (!knows_standing(rule.by, made)) break;
        add_number(to, "X-RateLimit-Remaining", said.remaining);
        add_number(to, "X-RateLimit-Reset", reset_seconds(said));
        break;
    case dialect::none: break;
    }
}

http::response answer(const listed_rule& rule, const outcome& made, const verdict& said, unsigned status)
{
    http::response answered{status};
    add_fields(answered, rule, made, said);
    if (status >= 400) add_number(answered, "Retry-After", retry_after_seconds(said));
    if (status != 204) answered.body(json_type, to_json(said));
    return answered;
}

http::response refuse(const refusal& why)
{
    auto answered = http::problem(why.status, why.detail);
    if (why.status == 403 || why.status == 503) answered.add("Retry-After", "1");
    return answered;
}

}  // namespace shoal::limiter
