#pragma once
// How tags are made of what clients and origins name.

#include <cstdint>
#include <string_view>

#include "common/coherence/stamp.hpp"

namespace shoal::coherence {

enum class tag_kind : std::uint8_t {
    /// One URL of a site, as its rules normalise it: on every variant of it.
    url = 1,
    /// All of one site: the text is empty.
    site,
    /// Everything: site and text are empty.
    all,
    /// Surrogate-Key, Cache-Tag, xkey: of all sites together, the site is empty.
    surrogate,
    /// Cache-Groups of one site (RFC 9875).
    group,
    /// An entry of a view of a database: the site is the view's name, the text its key; empty for the whole view.
    view,
};

/// The same in every worker, and in every version that shares a Redis with it.
[[nodiscard]] tag tag_of(tag_kind kind, std::string_view site, std::string_view text) noexcept;

}  // namespace shoal::coherence
