#include "services/relay/views/audit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include <xxhash.h>

namespace shoal::relay {
namespace {

using pair_views = std::vector<std::pair<std::string_view, std::string_view>>;

/// As Redis reads it.
double score_of(const std::string& text) noexcept
{
    return std::strtod(text.c_str(), nullptr);
}

/// A row may repeat a member; of those the last one counts, as in Redis.
pair_views distinct(pair_views from)
{
    std::ranges::stable_sort(from, {}, &pair_views::value_type::first);
    pair_views found;
    for (const auto& one : from) {
        if (!found.empty() && found.back().first == one.first) found.pop_back();
        found.push_back(one);
    }
    return found;
}

/// In the order in which commands return a pair.
pair_views pairs_of(const view_entry& made, bool scored)
{
    const auto texts = unpacked(made.body);
    pair_views found;
    found.reserve(texts.size() / 2);
    for (std::size_t i = 0; i + 1 < texts.size(); i += 2)
        found.emplace_back(texts[scored ? i + 1 : i], texts[scored ? i : i + 1]);
    return found;
}

}  // namespace

bool agrees(views::kind is, const view_entry& made, const stored_entry& stored)
{
    if (!made.exists || !stored.exists) return made.exists == stored.exists;
    if (is == views::kind::document) return made.body == stored.document;
    const bool scored = is != views::kind::hash;
    const auto wanted = distinct(pairs_of(made, scored));
    if (stored.members) return wanted.size() == *stored.members;
    if (wanted.size() != stored.pairs.size()) return false;
    auto found = stored.pairs;
    std::ranges::sort(found);
    return std::ranges::equal(wanted, found, [scored](const auto& one, const auto& other) {
        if (one.first != other.first) return false;
        return scored ? score_of(std::string{one.second}) == score_of(other.second) : one.second == other.second;
    });
}

std::uint64_t print_of(views::kind is, const view_entry& made)
{
    if (!made.exists) return 0;
    if (is == views::kind::document) return XXH3_64bits(made.body.data(), made.body.size());
    std::uint64_t print = 1;
    for (const auto& [first, second] : pairs_of(made, is != views::kind::hash))
        print += XXH3_64bits_withSeed(second.data(), second.size(), XXH3_64bits(first.data(), first.size()));
    return print;
}

}  // namespace shoal::relay
