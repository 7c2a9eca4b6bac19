// Several keys in one request, each by itself or all or none of them.

#include <algorithm>
#include <utility>
#include <vector>

#include "services/limiter/handlers.hpp"
#include "services/limiter/handlers_requests.hpp"

namespace shoal::limiter {
namespace {

constexpr const char* json_type = "application/json";
/// After which an outage may be over.
constexpr std::int64_t outage_us = 1'000'000;

}  // namespace

struct handlers::batch_subject {
    /// One check and what became of it.
    struct entry {
        const listed_rule* rule = nullptr;
        std::string key{};
        std::int64_t cost = 1;
        outcome made{};
        verdict said{};
        /// A policy's refusal was counted when it was made.
        bool counted = false;
        bool asked = false;
        /// all_or_nothing: what undoes it.
        receipt paid{};
    };

    std::shared_ptr<const rule_book> book;
    /// Keys stay where they are when this is moved: the store looks at them.
    std::vector<entry> entries;
    std::vector<std::size_t> order;
    std::size_t next = 0;
    bool all_or_nothing = false;

    [[nodiscard]] entry& current() { return entries[order[next]]; }
    /// Every entry that was asked, as it stands in the request.
    void write_checks(std::string& into) const;
};

void handlers::batch_subject::write_checks(std::string& into) const
{
    into.append(R"("checks":[)");
    for (const auto& one : entries) {
        if (&one != &entries.front()) into.append(",");
        into.append(R"({"rule":")").append(one.rule->by.name).append(R"(","key":)");
        into.append(nlohmann::json(one.key).dump());
        if (one.asked) append_members(into.append(","), one.said);
        into.append("}");
    }
    into.append("]");
}

parsed<handlers::batch_subject> handlers::batch_of(const request& from) const
{
    if (!from.query.empty()) return refusal{400, "POST /v1/limits takes no query; the checks are in the body"};
    if (auto wrong = refuse_idempotency(from)) return *std::move(wrong);
    auto asked = read_batch(from.body);
    if (asked.has_error()) return asked.error();
    batch_subject made{.book = book_,
                       .entries = {},
                       .order = taking_order(*asked),
                       .next = 0,
                       .all_or_nothing = asked->all_or_nothing};
    made.entries.reserve(asked->checks.size());
    for (std::size_t i = 0; i < asked->checks.size(); ++i) {
        auto& one = asked->checks[i];
        const auto* const rule = book_->find(one.rule);
        if (auto wrong = refuse_check(rule == nullptr ? nullptr : &rule->by, one, i)) return *std::move(wrong);
        made.entries.push_back({.rule = rule, .key = std::move(one.key), .cost = one.cost});
    }
    return made;
}

http::reply handlers::batch(request& of)
{
    auto asked = batch_of(of);
    if (asked.has_error()) return refuse(asked.error());
    if (asked->all_or_nothing) return await_all_or_nothing(std::move(*asked), of);
    return take_each(std::move(*asked), of);
}

/// In place of a problem, which is for a whole request, a check is refused for as long as an outage may last.
void handlers::note(batch_subject& of, const result<outcome>& made)
{
    auto& one = of.current();
    one.asked = true;
    if (made.has_value()) {
        one.made = *made;
    } else {
        const auto instead = referee_.take(*one.rule, one.key, one.cost, made.error());
        one.counted = instead.has_error();
        one.made =
            instead.has_value() ? *instead : outcome{.after = {.retry_after_us = outage_us}, .by = decided_by::policy};
    }
    one.said = one.counted ? verdict_of(one.rule->by, one.made) : referee_.settle(*one.rule, one.key, one.made);
}

http::reply handlers::take_each(batch_subject of, request& from)
{
    for (; of.next < of.order.size(); ++of.next) {
        const auto& one = of.current();
        auto taken = store_->take(one.rule->by, one.key, one.cost, deadline_of(from));
        const auto* const made = std::get_if<outcome>(&taken);
        if (made == nullptr) return await_each(std::move(of), std::get<pending>(std::move(taken)), from);
        note(of, *made);
    }
    return tell_each(std::move(of));
}

handlers::later handlers::await_each(batch_subject of, pending first, request& from)
{
    const auto began = boot_clock::now();
    const auto made = co_await std::move(first);
    note(of, made);
    while (++of.next < of.order.size()) {
        const auto& one = of.current();
        auto taken = store_->take(one.rule->by, one.key, one.cost, deadline_of(from));
        if (const auto* const known = std::get_if<outcome>(&taken)) {
            note(of, *known);
            continue;
        }
        const auto decided = co_await std::get<pending>(std::move(taken));
        note(of, decided);
    }
    from.add_timing("redis", boot_clock::now() - began);
    co_return tell_each(std::move(of));
}

http::response handlers::tell_each(batch_subject of)
{
    const bool all = std::ranges::all_of(of.entries, [](const auto& one) { return one.said.allowed; });
    std::string text{all ? R"({"allowed":true,)" : R"({"allowed":false,)"};
    of.write_checks(text);
    return http::response{200}.body(json_type, text + "}\n");
}

/// Nothing is counted before it is sure that it stays.
handlers::later handlers::await_all_or_nothing(batch_subject of, request& from)
{
    const auto began = boot_clock::now();
    std::optional<refusal> failed;
    bool refused = false;
    for (; of.next < of.order.size() && !refused; ++of.next) {
        auto& one = of.current();
        const auto taken =
            co_await store_->take_tentatively(one.rule->by, one.key, one.cost, deadline_of(from), one.paid);
        const auto made =
            taken.has_value() ? parsed<outcome>{*taken} : referee_.take(*one.rule, one.key, one.cost, taken.error());
        if (made.has_error()) {
            failed = made.error();
            break;
        }
        one.asked = true;
        one.made = *made;
        one.said = verdict_of(one.rule->by, one.made);
        refused = !one.said.allowed;
    }
    if (refused || failed) co_await give_back(of);
    from.add_timing("redis", boot_clock::now() - began);
    if (failed) co_return refuse(*failed);
    co_return tell_all(std::move(of));
}

boost::asio::awaitable<void> handlers::give_back(batch_subject& of)
{
    for (auto& one : of.entries)
        if (one.asked && one.made.granted && one.made.by != decided_by::policy)
            co_await store_->undo(one.rule->by, one.key, one.paid);
}

http::response handlers::tell_all(batch_subject of)
{
    const auto refused =
        std::ranges::find_if(of.entries, [](const auto& one) { return one.asked && !one.said.allowed; });
    const bool all = refused == of.entries.end();
    for (auto& one : of.entries)
        if (one.asked && (all || &one == &*refused)) one.said = referee_.settle(*one.rule, one.key, one.made);

    std::string text{all ? R"({"allowed":true,"retry_after_ms":)" : R"({"allowed":false,"retry_after_ms":)"};
    text.append(std::to_string(all ? 0 : refused->said.retry_after_ms)).append(",");
    of.write_checks(text);
    http::response answered{all ? 200U : 429U};
    if (!all) answered.add("Retry-After", std::to_string(retry_after_seconds(refused->said)));
    return std::move(answered).body(json_type, text + "}\n");
}

}  // namespace shoal::limiter
