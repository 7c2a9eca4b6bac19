#include "services/views/query/question.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "common/core/text.hpp"
#include "common/views/key_text.hpp"
#include "common/views/layout.hpp"
#include "services/views/query/pairs.hpp"

namespace shoal::views {
namespace {

const char* const entry_fields = "limit, after, from, to, order, and";
const char* const several_fields = "key, limit, from, to, order";

std::optional<refusal> refuse_name(std::string_view view)
{
    if (is_name(view)) return std::nullopt;
    return refusal{404,
                   "no view has such a name: names are 1 to 64 of a-z, 0-9, '_' and '-'; GET /v1/views lists them"};
}

/// Commas stand between the values of the key's columns; each value is percent-encoded.
parsed<std::string> read_key(std::string_view encoded)
{
    std::vector<std::string> values;
    for (std::size_t at = 0; at <= encoded.size();) {
        const auto item = encoded.substr(at, encoded.find(',', at) - at);
        auto value = percent_decode(item);
        if (!value)
            return refusal{400, "the key has a '%' that two hexadecimal digits do not follow; encode '%' as %25"};
        if (!is_utf8(*value)) return refusal{400, "the key is not UTF-8"};
        values.push_back(*std::move(value));
        at += item.size() + 1;
    }
    auto key = key_text(values);
    if (key.size() > longest_key) return refusal{400, "the key is longer than 1000 bytes: no view has such a key"};
    return key;
}

std::optional<double> read_score(std::string_view text) noexcept
{
    double score = 0;
    const auto* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data(), end, score);
    if (error != std::errc{} || last != end || std::isnan(score)) return std::nullopt;
    return score;
}

std::optional<refusal> read_limit(std::string_view value, page& into)
{
    const auto* const end = value.data() + value.size();
    const auto [last, error] = std::from_chars(value.data(), end, into.limit);
    if (error == std::errc{} && last == end && into.limit >= 1 && into.limit <= most_limit) return std::nullopt;
    return refusal{400, "limit must be a whole number of 1 to 1000"};
}

std::optional<refusal> read_cursor(std::string_view value, page& into)
{
    into.after = parse_cursor(value);
    if (into.after) return std::nullopt;
    return refusal{400, "after must be the `next` of the page before, as it was"};
}

std::optional<refusal> read_bound(std::string_view value, std::optional<double>& into)
{
    into = read_score(value);
    if (into) return std::nullopt;
    return refusal{400, "from and to must be scores: numbers like 1.5 or -2e3, or inf and -inf"};
}

std::optional<refusal> read_order(std::string_view value, page& into)
{
    into.descending = value == "desc";
    if (into.descending || value == "asc") return std::nullopt;
    return refusal{400, "order must be asc or desc"};
}

/// The fields of a page.
class page_reader {
public:
    /// Whether the pair was one of them.
    bool take(const query_pair& pair)
    {
        for (auto& one : fields_) {
            if (one.name != pair.name) continue;
            if (std::exchange(one.seen, true))
                wrong_ = refusal{400, fmt::format("{} stands twice in the query", one.name)};
            else if (auto refused = one.read(pair.value, made_))
                wrong_ = std::move(refused);
            if (made_.named.empty()) made_.named = one.name;
            return true;
        }
        return false;
    }
    [[nodiscard]] const std::optional<refusal>& wrong() const noexcept { return wrong_; }
    [[nodiscard]] page made() && noexcept { return std::move(made_); }

private:
    struct field {
        std::string_view name;
        std::optional<refusal> (*read)(std::string_view value, page& into);
        bool seen = false;
    };

    page made_;
    std::optional<refusal> wrong_;
    std::array<field, 5> fields_{{
        {"limit", read_limit},
        {"after", read_cursor},
        {"from", [](std::string_view value, page& into) { return read_bound(value, into.from); }},
        {"to", [](std::string_view value, page& into) { return read_bound(value, into.to); }},
        {"order", read_order},
    }};
};

/// VIEW/KEY; many clients write %2F for the slash in a query.
parsed<place> read_other(std::string_view value)
{
    const auto end = std::min(value.find_first_of("/%"), value.size());
    const auto view = value.substr(0, end);
    auto rest = value.substr(end);
    if (rest.starts_with('/'))
        rest.remove_prefix(1);
    else if (rest.starts_with("%2F") || rest.starts_with("%2f"))
        rest.remove_prefix(3);
    else
        return refusal{400, "and must be VIEW/KEY, as in ?and=by_color/red"};
    if (auto wrong = refuse_name(view)) return *std::move(wrong);
    auto key = read_key(rest);
    if (key.has_error()) return key.error();
    return place{std::string{view}, *std::move(key)};
}

refusal unknown_field(const char* allowed)
{
    return {400, fmt::format("unknown query parameter; there are {}", allowed)};
}

/// No key has a line feed, which is encoded in it.
std::string text_of(const question& from)
{
    const auto score = [](const std::optional<double>& of) { return of ? fmt::format("{}", *of) : std::string{}; };
    const auto& part = from.part;
    auto made = fmt::format("{} {} {} {} {} {}", static_cast<int>(from.is), part.limit, part.descending,
                            score(part.from), score(part.to), part.after ? to_text(*part.after) : std::string{});
    for (const auto& one : from.of) made.append("\n").append(one.view).append("/").append(one.key);
    return made;
}

}  // namespace

void throw_exception_from_error(const refusal& refused, const boost::source_location&)
{
    throw std::logic_error{"value of a refused question was read: " + refused.detail};
}

parsed<question> read_entry_question(std::string_view view, std::string_view key, std::string_view query)
{
    if (auto wrong = refuse_name(view)) return *std::move(wrong);
    auto first = read_key(key);
    if (first.has_error()) return first.error();
    question made;
    made.of.push_back({std::string{view}, *std::move(first)});
    page_reader part;
    while (const auto pair = next_pair(query)) {
        if (pair->name == "and") {
            auto other = read_other(pair->value);
            if (other.has_error()) return other.error();
            if (made.of.size() > most_others) return refusal{400, "and may stand at most 8 times"};
            made.of.push_back(*std::move(other));
            made.is = question::form::intersection;
        } else if (!part.take(*pair)) {
            return unknown_field(entry_fields);
        }
        if (part.wrong()) return *part.wrong();
    }
    made.part = std::move(part).made();
    made.text = text_of(made);
    return made;
}

parsed<question> read_several_question(std::string_view view, std::string_view query)
{
    if (auto wrong = refuse_name(view)) return *std::move(wrong);
    question made{.is = question::form::several, .of = {}, .part = {}, .text = {}};
    page_reader part;
    while (const auto pair = next_pair(query)) {
        if (pair->name == "key") {
            auto key = read_key(pair->value);
            if (key.has_error()) return key.error();
            place one{std::string{view}, *std::move(key)};
            if (std::ranges::find(made.of, one) == made.of.end()) made.of.push_back(std::move(one));
            if (made.of.size() > most_keys) return refusal{400, "at most 100 keys in one request; ask in several"};
        } else if (pair->name == "after") {
            return refusal{400, "after goes on in one entry: GET /v1/views/{view}/{key}?after=…"};
        } else if (!part.take(*pair)) {
            return unknown_field(several_fields);
        }
        if (part.wrong()) return *part.wrong();
    }
    made.part = std::move(part).made();
    if (made.of.empty())
        return refusal{400, "no key is named: GET /v1/views/{view}?key=a&key=b, or /v1/views/{view}/{key}"};
    if (made.part.limit * made.of.size() > most_items)
        return refusal{400, "limit times the number of keys must be at most 10000"};
    made.text = text_of(made);
    return made;
}

}  // namespace shoal::views
