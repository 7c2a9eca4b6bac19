#include "tests/load/domain/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <istream>
#include <iterator>
#include <unordered_map>

#include "common/core/ascii.hpp"
#include "tests/load/domain/access_log.hpp"
#include "tests/load/domain/bad_input.hpp"

namespace shoal::load {
namespace {

constexpr std::uint32_t most_keys = 10'000'000;
constexpr std::size_t most_bytes = 512'000'000;
constexpr std::string_view forms =
    "uniform:COUNT, zipf:COUNT[:EXPONENT], file:PATH, log:PATH (its targets) or log-address:PATH (its clients)";

template <class T>
bool parse_number(std::string_view text, T& into)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc{} && end == text.data() + text.size();
}

key_choice parse_numbered(std::string_view text, std::string_view values, key_choice choice)
{
    const auto colon = values.find(':');
    const bool has_exponent = choice.from == key_choice::kind::zipf && colon != std::string_view::npos;
    const auto count = has_exponent ? values.substr(0, colon) : values;
    if (!parse_number(count, choice.count) || choice.count < 1 || choice.count > most_keys)
        throw bad_input{fmt::format("--keys '{}': the count must be a number from 1 to {}", text, most_keys)};
    if (choice.from == key_choice::kind::zipf) choice.exponent = 0.99;
    const bool read = !has_exponent || parse_number(values.substr(colon + 1), choice.exponent);
    if (!read || !std::isfinite(choice.exponent) || choice.exponent < 0 || choice.exponent > 10)
        throw bad_input{
            fmt::format("--keys '{}': the exponent must be a number from 0 to 10, as in zipf:1000:0.9", text)};
    return choice;
}

}  // namespace

/// The number of each key of a file.
class key_index : public std::unordered_map<std::string, std::uint32_t> {};

key_choice parse_keys(std::string_view text)
{
    using enum key_choice::kind;
    constexpr std::array<std::pair<std::string_view, key_choice::kind>, 5> names{
        {{"uniform", uniform}, {"zipf", zipf}, {"file", file}, {"log", log_target}, {"log-address", log_address}}};
    const auto colon = text.find(':');
    const auto* const found =
        std::ranges::find(names, text.substr(0, colon), [](const auto& one) { return one.first; });
    if (found == names.end() || colon == std::string_view::npos || colon + 1 == text.size())
        throw bad_input{fmt::format("--keys '{}' must be one of {}", text, forms)};
    const auto values = text.substr(colon + 1);
    key_choice choice;
    choice.from = found->second;
    if (choice.from == uniform || choice.from == zipf) return parse_numbered(text, values, choice);
    choice.path = values;
    return choice;
}

keys::keys(const key_choice& choice, std::uint64_t seed) : kind_{choice.from}, size_{choice.count}, dice_{seed}
{
    if (kind_ == key_choice::kind::zipf) zipf_.emplace(choice.count, choice.exponent);
}

keys::keys(const key_choice& choice, std::istream& lines) : kind_{choice.from}, dice_{0}
{
    key_index known;
    std::size_t bytes = 0;
    std::uint64_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        read_line(line, ++number, known, bytes);
        if (bytes > most_bytes || order_.size() > most_keys)
            throw bad_input{fmt::format("--keys: {} has more than {} lines or {} MB of keys; give a part of it",
                                        choice.path, most_keys, most_bytes / 1'000'000)};
    }
    if (order_.empty())
        throw bad_input{fmt::format("--keys: {} has no {}", choice.path,
                                    kind_ == key_choice::kind::file
                                        ? "key; it should have one in each line"
                                        : "GET or HEAD in the common or combined format of access logs")};
    size_ = static_cast<std::uint32_t>(names_.size());
}

void keys::read_line(std::string_view line, std::uint64_t number, key_index& known, std::size_t& bytes)
{
    if (line.empty()) return;
    if (kind_ == key_choice::kind::file) {
        if (std::ranges::any_of(line, is_control))
            throw bad_input{fmt::format("--keys: line {} has a control character, which no request may carry", number)};
        return keep(line, known, bytes);
    }
    const auto entry = parse_log_line(line);
    // What changes something at the server is not repeated; nor are the targets of CONNECT and of proxies.
    const bool usable = entry && (entry->method == "GET" || entry->method == "HEAD") && entry->target.front() == '/';
    if (!usable) {
        ++skipped_;
        return;
    }
    keep(kind_ == key_choice::kind::log_target ? entry->target : entry->address, known, bytes);
}

void keys::keep(std::string_view key, key_index& known, std::size_t& bytes)
{
    const auto [at, added] = known.try_emplace(std::string{key}, static_cast<std::uint32_t>(names_.size()));
    if (added) {
        names_.emplace_back(key);
        bytes += key.size();
    }
    order_.push_back(at->second);
}

std::uint32_t keys::next() noexcept
{
    if (zipf_) return zipf_->next(dice_) - 1;
    if (order_.empty()) return static_cast<std::uint32_t>(dice_.below(size_));
    if (position_ == order_.size()) position_ = 0;
    return order_[position_++];
}

void keys::append_plain(std::uint32_t key, std::string& into) const
{
    if (names_.empty())
        fmt::format_to(std::back_inserter(into), "key-{}", key + 1);
    else
        into += names_[key];
}

void keys::append_encoded(std::uint32_t key, std::string& into) const
{
    if (kind_ == key_choice::kind::file || kind_ == key_choice::kind::log_address)
        percent_encode(names_[key], into);
    else
        append_plain(key, into);
}

std::string keys::text(std::uint32_t key) const
{
    std::string text;
    append_plain(key, text);
    return text;
}

void percent_encode(std::string_view text, std::string& into)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char c : text) {
        const bool letter = to_lower(c) >= 'a' && to_lower(c) <= 'z';
        if (letter || is_digit(c) || std::string_view{"-._~"}.find(c) != std::string_view::npos) {
            into += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        into += '%';
        into += digits[byte >> 4U];
        into += digits[byte & 15U];
    }
}

}  // namespace shoal::load
