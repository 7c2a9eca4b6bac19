#include "common/views/layout.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "common/coherence/tags.hpp"

namespace shoal::views {
namespace {

constexpr std::array<std::string_view, 4> kinds{"document", "hash", "set", "sorted_set"};
constexpr std::array<std::string_view, 3> states{"filling", "ready", "failed"};

/// The word before the next space, taken off together with it.
std::string_view take_word(std::string_view& from) noexcept
{
    const auto word = from.substr(0, from.find(' '));
    from.remove_prefix(std::min(from.size(), word.size() + 1));
    return word;
}

std::optional<std::uint64_t> number_of(std::string_view text) noexcept
{
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return number;
}

template <class Enum, std::size_t Size>
std::optional<Enum> one_of(const std::array<std::string_view, Size>& names, std::string_view name) noexcept
{
    const auto* const found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view name_of(kind which) noexcept
{
    return kinds.at(static_cast<std::size_t>(which));
}

std::string_view name_of(state which) noexcept
{
    return states.at(static_cast<std::size_t>(which));
}

std::optional<kind> kind_of(std::string_view name) noexcept
{
    return one_of<kind>(kinds, name);
}

std::string to_text(const directory_entry& of)
{
    return fmt::format("{} {} {} {}", name_of(of.is), of.generation, name_of(of.at), of.epoch);
}

std::optional<directory_entry> parse_directory_entry(std::string_view text) noexcept
{
    const auto is = kind_of(take_word(text));
    const auto generation = number_of(take_word(text));
    const auto at = one_of<state>(states, take_word(text));
    const auto epoch = number_of(text);
    if (!is || !generation || !at || !epoch) return std::nullopt;
    return directory_entry{*is, *generation, *at, *epoch};
}

bool is_name(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

std::string entry_key(std::string_view view, std::uint64_t generation, std::string_view key)
{
    return fmt::format("{{cache}}:view:{}:{}:{}", view, generation, key);
}

std::string index_key(std::string_view view, std::uint64_t generation)
{
    return fmt::format("{{cache}}:view:{}:{}", view, generation);
}

coherence::tag entry_tag(std::string_view view, std::string_view key) noexcept
{
    return coherence::tag_of(coherence::tag_kind::view, view, key);
}

coherence::tag view_tag(std::string_view view) noexcept
{
    return coherence::tag_of(coherence::tag_kind::view, view, "");
}

}  // namespace shoal::views
