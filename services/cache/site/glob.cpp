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
    : pattern_{std::move(pattern)},
      prefix_{std::min(pattern_.find_first_of("*?"), pattern_.size())},
      suffix_{prefix_ == pattern_.size() ? 0 : pattern_.size() - 1 - pattern_.find_last_of("*?")},
      simple_{prefix_ + 1 + suffix_ == pattern_.size() && pattern_[prefix_] == '*'}
{
}

bool glob::matches(std::string_view text) const noexcept
{
    const std::string_view pattern{pattern_};
    if (text.size() < prefix_ + suffix_ || !text.starts_with(pattern.substr(0, prefix_))) return false;
    if (!text.ends_with(pattern.substr(pattern.size() - suffix_))) return false;
    return simple_ || matches_from(pattern.substr(prefix_), text.substr(prefix_));
}

}  // namespace shoal::cache
