#pragma once
// The sites of a worker, found by host and by name.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "services/cache/site/site.hpp"

namespace shoal::cache {

struct text_hash {
    using is_transparent = void;
    [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept;
};

/// Pointers to sites hold as long as this, not across a move.
class site_list {
public:
    site_list() = default;
    explicit site_list(std::vector<site> all);

    /// `name` is a host in lower case, without port: an exact name beats the longest wildcard, which beats "*".
    [[nodiscard]] const site* of_host(std::string_view name) const noexcept;
    [[nodiscard]] const site* named(std::string_view name) const noexcept;
    [[nodiscard]] const std::vector<site>& all() const noexcept { return all_; }

private:
    using index = boost::unordered_flat_map<std::string, std::uint32_t, text_hash, std::equal_to<>>;

    std::vector<site> all_;
    /// Host, or wildcard without its '*' (".shop.example"; "" is "*").
    index hosts_;
    index wildcards_;
    index names_;
};

}  // namespace shoal::cache
