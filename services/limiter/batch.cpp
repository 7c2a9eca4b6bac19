#include "services/limiter/batch.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "services/limiter/body.hpp"

namespace shoal::limiter {
namespace {

const char* const form = R"({"checks":[{"rule":"demo","key":"alice","cost":1}],"all_or_nothing":true})";

std::string place(std::size_t index)
{
    return "checks[" + std::to_string(index) + ']';
}

/// `what` begins with what follows the place, as " has no key" or ".cost must be …".
refusal wrong_at(std::size_t index, const std::string& what, unsigned status = 400)
{
    return {status, place(index) + what};
}

parsed<batch::check> read_one(const nlohmann::json& from, std::size_t index)
{
    if (!from.is_object()) return wrong_at(index, R"( must be an object as {"rule":"demo","key":"alice","cost":1})");
    batch::check made;
    for (const auto& [name, value] : from.items()) {
        if (name == "cost") {
            const auto cost = whole_number(value);
            if (!cost || *cost < 1) return wrong_at(index, ".cost must be a whole number of at least 1");
            made.cost = *cost;
        } else if (name == "rule" || name == "key") {
            if (!value.is_string()) return wrong_at(index, '.' + name + " must be a string");
            (name == "rule" ? made.rule : made.key) = value.get<std::string>();
        } else {
            return wrong_at(index, " has an unknown member; known are rule, key and cost");
        }
    }
    if (!from.contains("rule")) return wrong_at(index, " has no rule");
    if (!from.contains("key")) return wrong_at(index, " has no key");
    if (const auto wrong = refuse_key(made.key)) return wrong_at(index, ".key: " + wrong->detail);
    return made;
}

/// What was taken twice from one key can't be given back to the last cell.
std::optional<std::size_t> find_twice(const batch& of)
{
    const auto order = taking_order(of);
    for (std::size_t i = 1; i < order.size(); ++i) {
        const auto& before = of.checks[order[i - 1]];
        const auto& one = of.checks[order[i]];
        if (before.rule == one.rule && before.key == one.key) return order[i];
    }
    return std::nullopt;
}

}  // namespace

parsed<batch> read_batch(std::string_view body)
{
    const auto json = read_object(body, form);
    if (json.has_error()) return json.error();
    batch made;
    for (const auto& [name, value] : json->items()) {
        if (name == "checks") continue;
        if (name != "all_or_nothing")
            return refusal{400, "unknown member in the body; known are checks and all_or_nothing"};
        if (!value.is_boolean()) return refusal{400, "all_or_nothing must be true or false"};
        made.all_or_nothing = value.get<bool>();
    }
    const auto checks = json->find("checks");
    if (checks == json->end() || !checks->is_array() || checks->empty() || checks->size() > most_checks)
        return refusal{400, std::string{"checks must be an array of 1 to 100 objects, as in "} + form};
    for (std::size_t i = 0; i < checks->size(); ++i) {
        auto one = read_one((*checks)[i], i);
        if (one.has_error()) return one.error();
        made.checks.push_back(std::move(*one));
    }
    if (made.all_or_nothing)
        if (const auto twice = find_twice(made))
            return wrong_at(*twice, " names a key a second time; add its cost to the first");
    return made;
}

std::optional<refusal> refuse_check(const rule* by, const batch::check& asked, std::size_t index)
{
    if (by == nullptr) return wrong_at(index, ".rule: no such rule; GET /v1/limits lists the rules in force", 404);
    if (by->kind == algorithm::concurrency)
        return wrong_at(index, ".rule counts slots; acquire one with POST /v1/limits/{rule}/{key}/slots", 409);
    if (const auto above = refuse_cost(asked.cost, by->max_cost))
        return wrong_at(index, '.' + above->detail, above->status);
    return std::nullopt;
}

std::vector<std::size_t> taking_order(const batch& of)
{
    std::vector<std::size_t> order(of.checks.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&of](std::size_t a, std::size_t b) {
        const auto& left = of.checks[a];
        const auto& right = of.checks[b];
        return std::tie(left.rule, left.key) < std::tie(right.rule, right.key);
    });
    return order;
}

}  // namespace shoal::limiter
