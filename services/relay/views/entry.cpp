#include "services/relay/views/entry.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "common/views/key_text.hpp"

namespace shoal::relay {
namespace {

constexpr std::size_t length_bytes = 4;

std::size_t length_at(std::string_view packed) noexcept
{
    std::size_t length = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) length = length << 8U | static_cast<unsigned char>(packed[i]);
    return length;
}

std::string_view take_packed(std::string_view& from) noexcept
{
    const auto length = length_at(from);
    const auto text = from.substr(length_bytes, length);
    from.remove_prefix(length_bytes + text.size());
    return text;
}

/// Nothing of what Redis takes for no score.
std::optional<std::string_view> score_of(const view_definition& of, sql_row from, std::size_t at)
{
    if (of.is == views::kind::set) return "0";
    if (!from[at] || *from[at] == "NaN") return std::nullopt;
    if (*from[at] == "Infinity") return "+inf";
    if (*from[at] == "-Infinity") return "-inf";
    return from[at];
}

void append_pair(std::string& to, std::string_view first, std::string_view second)
{
    append_packed(to, first);
    append_packed(to, second);
}

}  // namespace

void append_packed(std::string& to, std::string_view text)
{
    const auto length = static_cast<std::uint32_t>(text.size());
    for (unsigned shift = 24; shift < 32; shift -= 8) to.push_back(static_cast<char>(length >> shift & 0xffU));
    to += text;
}

std::vector<std::string_view> unpacked(std::string_view packed)
{
    std::vector<std::string_view> texts;
    while (packed.size() >= length_bytes) texts.push_back(take_packed(packed));
    return texts;
}

std::string_view take_pairs(std::string_view& packed, std::size_t most)
{
    const auto whole = packed;
    while (packed.size() >= length_bytes) {
        auto rest = packed;
        take_packed(rest);
        take_packed(rest);
        const auto taken = whole.size() - rest.size();
        if (taken > most && packed.size() < whole.size()) break;
        packed = rest;
    }
    return whole.substr(0, whole.size() - packed.size());
}

std::optional<std::string> key_of(sql_row from, std::size_t columns)
{
    std::vector<std::string> values;
    for (const auto& one : from.first(columns)) {
        if (!one) return std::nullopt;
        values.emplace_back(*one);
    }
    return views::key_text(values);
}

entry_builder::entry_builder(const view_definition& of, const view_shape& shape, std::vector<std::string> wanted)
    : of_{of}, shape_{shape}, wanted_(std::make_move_iterator(wanted.begin()), std::make_move_iterator(wanted.end()))
{
}

std::optional<view_entry> entry_builder::add(sql_row from)
{
    auto key = key_of(from, of_.key.size());
    if (!key) return std::nullopt;
    std::optional<view_entry> before;
    if (!open_ || open_->key != *key) {
        before = close();
        // What is equal in SQL may have another text (citext, numeric): an entry of one row is whole all the same.
        if (wanted_.erase(*key) == 0 && of_.has_members()) return before;
        open_.emplace();
        open_->key = *std::move(key);
    }
    take(from);
    return before;
}

void entry_builder::take(sql_row from)
{
    auto& into = *open_;
    ++rows_;
    if (!into.problem.empty()) return;
    const auto first = of_.key.size();
    if (of_.has_members()) {
        const auto score = score_of(of_, from, first + 1);
        if (!from[first] || !score) return;
        append_pair(into.body, *score, *from[first]);
        if (++into.pairs > most_members) into.problem = fmt::format("it has more than {} members", most_members);
        if (into.body.size() > most_member_bytes)
            into.problem = fmt::format("its members have more than {} bytes", most_member_bytes);
    } else if (rows_ > 1) {
        into.problem = "it has several rows";
    } else if (of_.is == views::kind::document) {
        into.body = from[first].value_or("");
    } else {
        for (std::size_t i = 0; i < shape_.columns.size(); ++i)
            if (const auto& value = from[first + i]) {
                append_pair(into.body, shape_.columns[i], *value);
                ++into.pairs;
            }
    }
    if (!of_.has_members() && into.body.size() > views::largest_document)
        into.problem = fmt::format("it has more than {} bytes", views::largest_document);
    if (!into.problem.empty()) into.body = {};
}

std::optional<view_entry> entry_builder::close()
{
    rows_ = 0;
    auto made = std::exchange(open_, std::nullopt);
    if (made) made->exists = !made->body.empty();
    return made;
}

std::vector<view_entry> entry_builder::finish()
{
    std::vector<view_entry> made;
    if (auto last = close()) made.push_back(*std::move(last));
    for (const auto& key : wanted_) made.push_back({.key = key});
    wanted_.clear();
    return made;
}

member_builder::member_builder(const view_definition& of, std::vector<std::string> wanted)
    : of_{of}, wanted_(std::make_move_iterator(wanted.begin()), std::make_move_iterator(wanted.end()))
{
}

void member_builder::add(sql_row from)
{
    const auto last = of_.key.size();
    const auto score = score_of(of_, from, last + 1);
    auto key = key_of(from, last + 1);
    if (key && score && wanted_.erase(*key) > 0) found_.emplace_back(*std::move(key), *score);
}

std::vector<member_changes> member_builder::finish()
{
    for (const auto& each : wanted_) found_.emplace_back(each, "");
    wanted_.clear();
    std::ranges::sort(found_);
    std::vector<member_changes> made;
    for (const auto& [text, score] : found_) {
        const auto values = views::parse_key_text(text, of_.key.size() + 1);
        auto key = text.substr(0, text.rfind(','));
        if (!values) continue;
        if (made.empty() || made.back().key != key) made.push_back({.key = std::move(key), .pairs = {}});
        append_pair(made.back().pairs, score, values->back());
    }
    return made;
}

}  // namespace shoal::relay
