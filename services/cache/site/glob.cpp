#include "services/cache/site/glob.hpp"

#include <algorithm>
#include <utility>

namespace shoal::cache {
namespace {

/// On a mismatch goes back to the last '*', and lets it take one byte more: an earlier one need never take more.
bool matches_from(std::string_view pattern, std::string_view text) noexcept
{
    std::size_t at = 0;
    std::size_t in = 0;
    std::size_t after_star = std::string_view::npos;
    std::size_t star_took_to = 0;
    while (in < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            after_star = ++at;
            star_took_to = in;
        } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[in])) {
            ++at;
            ++in;
        } else if (after_star != std::string_view::npos) {
            at = after_star;
            in = ++star_took_to;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace

glob::glob(std::string pattern)
    : pattern_{std::move(pattern)}, literal_{std::min(pattern_.find_first_of("*?"), pattern_.size())}
{
}

bool glob::matches(std::string_view text) const noexcept
{
    const std::string_view pattern{pattern_};
    if (!text.starts_with(pattern.substr(0, literal_))) return false;
    const auto rest = pattern.substr(literal_);
    if (rest == "*") return true;
    return matches_from(rest, text.substr(literal_));
}

}  // namespace shoal::cache
