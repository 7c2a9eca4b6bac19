#include "services/cache/site/rule.hpp"

namespace shoal::cache {

bool rule::caches(std::string_view method) const noexcept
{
    return !pass && ((get && method == "GET") || (head && method == "HEAD"));
}

bool rule::may_look_up(bool has_cookie) const noexcept
{
    return !pass && !(has_cookie && cookies == cookie_mode::bypass);
}

}  // namespace shoal::cache
