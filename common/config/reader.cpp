#include "common/config/reader.hpp"

#include "common/config/duration.hpp"
#include "common/config/size.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace shoal::config {
namespace {

using nlohmann::json;

/// The value as JSON, short enough for a message.
std::string shown(const json& value)
{
    constexpr std::size_t most = 60;
    if (value.is_object()) return "an object";
    if (value.is_array()) return "an array";
    std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (text.size() > most) text = text.substr(0, most) + "...";
    return text;
}

std::string bounds_of(integer_range range)
{
    const bool least = range.least != integer_range{}.least;
    const bool most = range.most != integer_range{}.most;
    if (least && most) return fmt::format(" from {} to {}", range.least, range.most);
    if (least) return fmt::format(" of at least {}", range.least);
    if (most) return fmt::format(" of at most {}", range.most);
    return {};
}

std::optional<std::int64_t> integer_in(const json& value, integer_range range)
{
    if (!value.is_number_integer()) return std::nullopt;
    constexpr auto top = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > top) return std::nullopt;
    const auto number = value.get<std::int64_t>();
    if (number < range.least || number > range.most) return std::nullopt;
    return number;
}

/// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
std::size_t distance(std::string_view from, std::string_view to)
{
    std::vector<std::vector<std::size_t>> table(from.size() + 1, std::vector<std::size_t>(to.size() + 1));
    for (std::size_t i = 0; i <= from.size(); ++i) table[i][0] = i;
    std::iota(table[0].begin(), table[0].end(), std::size_t{0});
    for (std::size_t i = 1; i <= from.size(); ++i)
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replaced = table[i - 1][j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            table[i][j] = std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if (swapped) table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
        }
    return table[from.size()][to.size()];
}

/// What was probably meant: at most two edits away and fewer than half of the word. Empty when nothing is near.
std::string_view nearest(std::string_view word, const std::vector<std::string>& known)
{
    constexpr std::size_t longest = 64;
    if (word.size() > longest) return {};
    std::string_view best;
    std::size_t least = std::min<std::size_t>(3, (word.size() + 1) / 2);
    for (const std::string& candidate : known) {
        if (candidate.size() > longest) continue;
        const std::size_t edits = distance(word, candidate);
        if (edits >= least) continue;
        least = edits;
        best = candidate;
    }
    return best;
}

bool is_plain(std::string_view name) noexcept
{
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

}  // namespace

void problems::add(std::string_view path, std::string_view what)
{
    lines_.push_back(fmt::format("{}: {}: {}", file_, path, what));
}

std::string problems::text() const
{
    return fmt::format("{}", fmt::join(lines_, "\n"));
}

object::object(const json& from, std::string path, problems& into)
    : from_{from.is_object() ? &from : nullptr}, path_{std::move(path)}, problems_{&into}
{
    if (from_ == nullptr) into.add(path_, fmt::format("must be an object, is {}", shown(from)));
}

bool object::has(std::string_view name) const
{
    return from_ != nullptr && from_->contains(name);
}

std::string object::text(std::string_view name, std::optional<std::string> fallback)
{
    const json* value = take(name, !fallback);
    if (value != nullptr && value->is_string()) return value->get<std::string>();
    if (value != nullptr) problem(name, fmt::format("must be a string, is {}", shown(*value)));
    return std::move(fallback).value_or("");
}

std::int64_t object::integer(std::string_view name, integer_range range, std::optional<std::int64_t> fallback)
{
    if (const json* value = take(name, !fallback)) {
        if (const auto number = integer_in(*value, range)) return *number;
        problem(name, fmt::format("must be an integer{}, is {}", bounds_of(range), shown(*value)));
    }
    return fallback.value_or(std::clamp<std::int64_t>(0, range.least, range.most));
}

bool object::boolean(std::string_view name, std::optional<bool> fallback)
{
    const json* value = take(name, !fallback);
    if (value != nullptr && value->is_boolean()) return value->get<bool>();
    if (value != nullptr) problem(name, fmt::format("must be true or false, is {}", shown(*value)));
    return fallback.value_or(false);
}

std::chrono::microseconds object::duration(std::string_view name, duration_range range,
                                           std::optional<std::chrono::microseconds> fallback)
{
    if (const json* value = take(name, !fallback)) {
        if (value->is_string()) {
            const auto length = parse_duration(value->get_ref<const std::string&>());
            if (length && *length >= range.least && *length <= range.most) return *length;
        }
        problem(name, fmt::format("must be a duration from \"{}\" to \"{}\" (a whole number and us, ms, s, m, h or d), "
                                  "is {}",
                                  format_duration(range.least), format_duration(range.most), shown(*value)));
    }
    return fallback.value_or(range.least);
}

std::int64_t object::size(std::string_view name, integer_range range, std::optional<std::int64_t> fallback)
{
    if (const json* value = take(name, !fallback)) {
        if (value->is_string()) {
            const auto bytes = parse_size(value->get_ref<const std::string&>());
            if (bytes && *bytes >= range.least && *bytes <= range.most) return *bytes;
        }
        problem(name, fmt::format("must be a size from \"{}\" to \"{}\" (a whole number and b, kb, mb or gb), is {}",
                                  format_size(range.least), format_size(range.most), shown(*value)));
    }
    return fallback.value_or(range.least);
}

object object::child(std::string_view name)
{
    static const json empty = json::object();
    const json* value = take(name, false);
    return {value != nullptr ? *value : empty, path(name), *problems_};
}

std::vector<object> object::children(std::string_view name, std::size_t most)
{
    const json* value = take(name, false);
    if (value == nullptr) return {};
    if (!value->is_array()) {
        problem(name, fmt::format("must be an array of objects, is {}", shown(*value)));
        return {};
    }
    if (value->size() > most) {
        problem(name, fmt::format("has {} entries; at most {} are allowed", value->size(), most));
        return {};
    }
    std::vector<object> all;
    for (std::size_t i = 0; i < value->size(); ++i)
        all.emplace_back((*value)[i], fmt::format("{}[{}]", path(name), i), *problems_);
    return all;
}

const json* object::raw(std::string_view name)
{
    return take(name, false);
}

void object::problem(std::string_view name, std::string_view what)
{
    problems_->add(path(name), what);
}

std::string object::path(std::string_view name) const
{
    if (name.empty()) return path_;
    if (is_plain(name)) return fmt::format("{}.{}", path_, name);
    return fmt::format("{}[{}]", path_, shown(std::string{name}));
}

void object::done()
{
    if (from_ == nullptr) return;
    for (const auto& [name, value] : from_->items()) {
        if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
        const std::string_view meant = nearest(name, known_);
        const std::string hint = meant.empty() ? "" : fmt::format("did you mean \"{}\"? ", meant);
        const std::string known =
            known_.empty() ? "no key is known here" : fmt::format("known: {}", fmt::join(known_, ", "));
        problem(name, fmt::format("unknown key; {}{}", hint, known));
    }
}

const json* object::take(std::string_view name, bool required)
{
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.emplace_back(name);
    if (from_ == nullptr) return nullptr;
    const auto found = from_->find(name);
    if (found != from_->end()) return &*found;
    if (required) problem(name, "is missing");
    return nullptr;
}

const std::string* object::choose(std::string_view name, bool required, const std::vector<std::string_view>& allowed)
{
    const json* value = take(name, required);
    if (value == nullptr) return nullptr;
    if (value->is_string()) {
        const auto& word = value->get_ref<const std::string&>();
        if (std::find(allowed.begin(), allowed.end(), word) != allowed.end()) return &word;
    }
    problem(name, fmt::format("must be one of \"{}\", is {}", fmt::join(allowed, "\", \""), shown(*value)));
    return nullptr;
}

}  // namespace shoal::config
