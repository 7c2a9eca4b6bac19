#include "services/cache/site/key.hpp"

#include <algorithm>

#include "services/cache/site/path.hpp"
#include "services/cache/site/query.hpp"

namespace shoal::cache {

const rule& make_key(std::string& key, const site& of, scheme over, const host_name& host, std::string_view target)
{
    key.assign(over == scheme::https ? "https://" : "http://");
    key.append(host.text());
    const auto path_at = key.size();
    const auto mark = target.find('?');
    const bool doubtful = append_path(key, target.substr(0, mark));
    const rule& by = of.rule_of(std::string_view{key}.substr(path_at), doubtful);
    if (mark != std::string_view::npos) append_query(key, target.substr(mark + 1), by.query);
    return by;
}

std::string_view url_of(std::string_view key) noexcept
{
    const auto end = key.find("://");
    return end == std::string_view::npos ? key : key.substr(end + 3);
}

std::string_view host_of(std::string_view key) noexcept
{
    const auto url = url_of(key);
    return url.substr(0, url.find_first_of("/*"));
}

std::string_view target_of(std::string_view key) noexcept
{
    return url_of(key).substr(host_of(key).size());
}

}  // namespace shoal::cache
