#include "services/cache/site/site_list.hpp"

#include <utility>

namespace shoal::cache {

std::size_t text_hash::operator()(std::string_view text) const noexcept
{
    return std::hash<std::string_view>{}(text);
}

site_list::site_list(std::vector<site> all) : all_{std::move(all)}
{
    for (std::uint32_t i = 0; i < all_.size(); ++i) {
        names_.emplace(all_[i].name, i);
        for (const auto& host : all_[i].hosts) {
            if (host.starts_with('*'))
                wildcards_.emplace(host.substr(1), i);
            else
                hosts_.emplace(host, i);
        }
    }
}

const site* site_list::of_host(std::string_view name) const noexcept
{
    if (const auto exact = hosts_.find(name); exact != hosts_.end()) return &all_[exact->second];
    if (wildcards_.empty()) return nullptr;
    for (auto dot = name.find('.', 1); dot != std::string_view::npos; dot = name.find('.', dot + 1))
        if (const auto found = wildcards_.find(name.substr(dot)); found != wildcards_.end())
            return &all_[found->second];
    const auto any = wildcards_.find(std::string_view{});
    return any == wildcards_.end() ? nullptr : &all_[any->second];
}

const site* site_list::named(std::string_view name) const noexcept
{
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : &all_[found->second];
}

}  // namespace shoal::cache
