#include "services/relay/views/audit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include <xxhash.h>

namespace shoal::relay {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;
using pair_views = std::vector<std::pair<std::string_view, std::string_view>>;

/// As Redis reads it.
double score_of(const std::string& text) noexcept
{
    return std::strtod(text.c_str(), nullptr);
}

/// In the order in which commands return a pair.
template <class Pairs>
Pairs pairs_of(const view_entry& made, bool scored)
{
    const auto texts = unpacked(made.body);
    Pairs found;
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
    if (stored.members) return made.pairs == *stored.members;
    if (made.pairs != stored.pairs.size()) return false;
    auto wanted = pairs_of<pairs>(made, scored);
    auto found = stored.pairs;
    std::ranges::sort(wanted);
    std::ranges::sort(found);
    return std::ranges::equal(wanted, found, [scored](const auto& one, const auto& other) {
        if (one.first != other.first) return false;
        return scored ? score_of(one.second) == score_of(other.second) : one.second == other.second;
    });
}

std::uint64_t print_of(views::kind is, const view_entry& made)
{
    if (!made.exists) return 0;
    if (is == views::kind::document) return XXH3_64bits(made.body.data(), made.body.size());
    std::uint64_t print = 1;
    for (const auto& [first, second] : pairs_of<pair_views>(made, is != views::kind::hash))
        print += XXH3_64bits_withSeed(second.data(), second.size(), XXH3_64bits(first.data(), first.size()));
    return print;
}

}  // namespace shoal::relay
