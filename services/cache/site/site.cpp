#include "services/cache/site/site.hpp"

namespace shoal::cache {

const rule& site::rule_of(std::string_view path, bool is_doubtful) const noexcept
{
    if (is_doubtful) return doubtful;
    for (const auto& one : rules)
        if (one.path.matches(path)) return one;
    return otherwise;
}

}  // namespace shoal::cache
