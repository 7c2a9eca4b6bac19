#include "services/limiter/check.hpp"

#include <array>
#include <utility>

#include "services/limiter/query.hpp"

namespace shoal::limiter {
namespace {

struct known_parameter {
    std::string_view name;
    std::optional<refusal> (*read)(check_query& into, std::string_view value);
};

std::optional<refusal> read_rule(check_query& into, std::string_view value)
{
    into.rule = value;
    if (value.empty()) return refusal{400, "rule is empty; GET /v1/limits lists the rules in force"};
    return std::nullopt;
}

std::optional<refusal> read_key_parameter(check_query& into, std::string_view value)
{
    auto key = read_key(value);
    if (key.has_error()) return key.error();
    into.key = std::move(*key);
    return std::nullopt;
}

std::optional<refusal> read_cost_parameter(check_query& into, std::string_view value)
{
    const auto cost = read_cost_text(value);
    if (cost.has_error()) return cost.error();
    into.cost = *cost;
    return std::nullopt;
}

std::optional<refusal> read_deny(check_query& into, std::string_view value)
{
    if (value != "403" && value != "429") return refusal{400, "deny must be 403 or 429"};
    into.refused = value == "403" ? 403 : 429;
    return std::nullopt;
}

constexpr std::array<known_parameter, 4> parameters{
    {{"rule", read_rule}, {"key", read_key_parameter}, {"cost", read_cost_parameter}, {"deny", read_deny}}};

}  // namespace

parsed<check_query> read_check(std::string_view query)
{
    check_query made;
    std::array<bool, parameters.size()> seen{};
    while (const auto pair = next_pair(query)) {
        if (pair->name == "path") break;
        std::size_t which = 0;
        while (which < parameters.size() && parameters[which].name != pair->name) ++which;
        if (which == parameters.size())
            return refusal{400, "unknown query parameter; known are rule, key, cost, deny, and path at the end"};
        if (std::exchange(seen[which], true))
            return refusal{400, std::string{pair->name} + " stands twice in the query"};
        if (auto wrong = parameters[which].read(made, pair->value)) return *std::move(wrong);
    }
    if (made.rule.empty()) return refusal{400, "the query has no rule; ask as in /v1/check?rule=demo&key=alice"};
    return made;
}

parsed<key_text> key_of_headers(const std::vector<std::string>& names, const header_values& values_of)
{
    if (names.empty())
        return refusal{400, "the query has no key, and the rule names no headers to make one of (\"key_headers\")"};
    std::string key;
    for (const auto& name : names) {
        const auto values = values_of(name);
        if (values.size() != 1)
            return refusal{400, "the key is made of the header " + name +
                                    (values.empty() ? ", which the request does not have" : ", which stands twice")};
        if (!key.empty() || &name != &names.front()) key += ',';
        key += values.front();
    }
    if (auto wrong = refuse_key(key)) return *std::move(wrong);
    return key_text{std::move(key)};
}

}  // namespace shoal::limiter
