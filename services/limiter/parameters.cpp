#include "services/limiter/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "common/core/ascii.hpp"
#include "common/core/text.hpp"
#include "services/limiter/body.hpp"
#include "services/limiter/query.hpp"

namespace shoal::limiter {
namespace {

const char* const cost_form = "cost must be a whole number of at least 1";
constexpr std::size_t most_idempotency_key = 255;

parsed<std::optional<std::int64_t>> cost_of_query(std::string_view query)
{
    std::optional<std::int64_t> cost;
    while (const auto pair = next_pair(query)) {
        if (pair->name != "cost") return refusal{400, "unknown query parameter; the only one is cost, as in ?cost=3"};
        if (cost) return refusal{400, "cost stands twice in the query"};
        const auto value = read_cost_text(pair->value);
        if (value.has_error()) return value.error();
        cost = *value;
    }
    return cost;
}

parsed<std::optional<std::int64_t>> cost_of_body(std::string_view body)
{
    if (body.empty()) return std::optional<std::int64_t>{};
    const auto json = read_object(body, R"({"cost":3})");
    if (json.has_error()) return json.error();
    std::optional<std::int64_t> cost;
    for (const auto& [name, value] : json->items()) {
        if (name != "cost") return refusal{400, R"(unknown member in the body; the only one is "cost")"};
        cost = whole_number(value);
        if (!cost || *cost < 1) return refusal{400, cost_form};
    }
    return cost;
}

}  // namespace

void throw_exception_from_error(const refusal& refused, const boost::source_location&)
{
    throw std::logic_error{"value of a refused parameter was read: " + refused.detail};
}

std::optional<refusal> refuse_key(std::string_view key)
{
    if (key.empty()) return refusal{400, "the key is empty"};
    if (key.size() > most_key_bytes)
        return refusal{400, "the key is longer than 512 bytes; use a hash of it, for example"};
    if (!is_utf8(key)) return refusal{400, "the key is not UTF-8"};
    return std::nullopt;
}

parsed<key_text> read_key(std::string_view encoded)
{
    if (encoded.find('%') == std::string_view::npos) {
        if (auto wrong = refuse_key(encoded)) return *std::move(wrong);
        return key_text{encoded};
    }
    auto decoded = percent_decode(encoded);
    if (!decoded) return refusal{400, "the key has a '%' that two hexadecimal digits do not follow; encode '%' as %25"};
    if (auto wrong = refuse_key(*decoded)) return *std::move(wrong);
    return key_text{std::move(*decoded)};
}

parsed<std::int64_t> read_cost_text(std::string_view text)
{
    std::int64_t value = 0;
    const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = last == text.data() + text.size();
    if (whole && error == std::errc::result_out_of_range && text.front() != '-') return INT64_MAX;
    if (!whole || error != std::errc{} || value < 1) return refusal{400, cost_form};
    return value;
}

parsed<std::int64_t> read_cost(std::string_view query, std::string_view body)
{
    const auto asked = cost_of_query(query);
    if (asked.has_error()) return asked.error();
    const auto posted = cost_of_body(body);
    if (posted.has_error()) return posted.error();
    if (*asked && *posted && **asked != **posted) return refusal{400, "the query and the body name different costs"};
    return asked->value_or(posted->value_or(1));
}

std::optional<refusal> refuse_cost(std::int64_t cost, std::int64_t most)
{
    if (cost <= most) return std::nullopt;
    return refusal{422, "cost is above the rule's maximum of " + std::to_string(most) + "; ask for less at a time"};
}

std::optional<refusal> refuse_idempotency_key(std::string_view value)
{
    if (!value.empty() && value.size() <= most_idempotency_key && std::ranges::all_of(value, is_visible))
        return std::nullopt;
    return refusal{400, "Idempotency-Key must be 1 to 255 visible ASCII characters, for example a UUID"};
}

}  // namespace shoal::limiter
