#include "services/limiter/parameters.hpp"

#include <charconv>
#include <optional>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "common/core/text.hpp"

namespace shoal::limiter {
namespace {

const char* const cost_form = "cost must be a whole number of at least 1";

parsed<std::optional<std::int64_t>> cost_of_query(std::string_view query)
{
    std::optional<std::int64_t> cost;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        const auto name = pair.substr(0, equals);
        if (name != "cost") return refusal{400, "unknown query parameter; the only one is cost, as in ?cost=3"};
        if (cost) return refusal{400, "cost stands twice in the query"};
        const auto text = pair.substr(std::min(equals + 1, pair.size()));
        std::int64_t value = 0;
        const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc::result_out_of_range && text.front() != '-')
            value = INT64_MAX;
        else if (error != std::errc{} || last != text.data() + text.size())
            return refusal{400, cost_form};
        cost = value;
    }
    return cost;
}

parsed<std::optional<std::int64_t>> cost_of_body(std::string_view body)
{
    if (body.empty()) return std::optional<std::int64_t>{};
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (json.is_discarded() || !json.is_object())
        return refusal{400, R"(the body must be empty or a JSON object as {"cost":3})"};
    std::optional<std::int64_t> cost;
    for (const auto& [name, value] : json.items()) {
        if (name != "cost") return refusal{400, R"(unknown member in the body; the only one is "cost")"};
        if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX)
            cost = INT64_MAX;
        else if (value.is_number_integer())
            cost = value.get<std::int64_t>();
        else
            return refusal{400, cost_form};
    }
    return cost;
}

}  // namespace

void throw_exception_from_error(const refusal& refused, const boost::source_location&)
{
    throw std::logic_error{"value of a refused parameter was read: " + refused.detail};
}

parsed<std::string> read_key(std::string_view segment)
{
    auto key = percent_decode(segment);
    if (!key) return refusal{400, "the key has a '%' that two hexadecimal digits do not follow; encode '%' as %25"};
    if (key->empty()) return refusal{400, "the key is empty"};
    if (key->size() > most_key_bytes)
        return refusal{400, "the key is longer than 512 bytes; use a hash of it, for example"};
    if (!is_utf8(*key)) return refusal{400, "the key is not UTF-8"};
    return std::move(*key);
}

parsed<std::int64_t> read_cost(std::string_view query, std::string_view body, std::int64_t most)
{
    const auto asked = cost_of_query(query);
    if (asked.has_error()) return asked.error();
    const auto posted = cost_of_body(body);
    if (posted.has_error()) return posted.error();
    if (*asked && *posted && **asked != **posted) return refusal{400, "the query and the body name different costs"};

    const std::int64_t cost = asked->value_or(posted->value_or(1));
    if (cost < 1) return refusal{400, cost_form};
    if (cost > most)
        return refusal{422, "cost is above the rule's maximum of " + std::to_string(most) + "; ask for less at a time"};
    return cost;
}

}  // namespace shoal::limiter
