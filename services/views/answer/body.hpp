#pragma once
// Bodies and entity tags. Pure.

#include <span>
#include <string>
#include <string_view>

#include "services/views/answer/entry.hpp"
#include "services/views/query/question.hpp"

namespace shoal::views {

/// A document as it is; {"field":"text",…}; {"items":[…],"next":"…"}, with "next" only where there is more; null.
[[nodiscard]] std::string to_json(const entry& from, kind of);
/// {"entries":{"KEY":…,…}}; as many entries as places.
[[nodiscard]] std::string to_json(std::span<const place> of, std::span<const entry> from, kind all);
/// {"views":[{"name":…,"kind":…,"state":…,"entries":…},…]}, by name.
[[nodiscard]] std::string to_json(std::span<const listed_view> all);

/// Strong, in quotes: of 128 bits of a hash.
[[nodiscard]] std::string etag_of(std::string_view body);
/// If-None-Match (RFC 9110, 13.1.2) names it, or is "*".
[[nodiscard]] bool names_etag(std::string_view if_none_match, std::string_view etag) noexcept;

}  // namespace shoal::views
