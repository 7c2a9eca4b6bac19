#pragma once
// Keys: the one text of a URL that everything of the cache goes by, "http://shop.example/list?page=2".

#include <string>
#include <string_view>

#include "services/cache/site/host.hpp"
#include "services/cache/site/site.hpp"

namespace shoal::cache {

/// Writes the key of a target in origin form into `key`, whose memory is reused, and returns the rule that is for it,
/// which lives as long as the site. The same for every method. Two URLs that an origin may tell apart have different
/// keys, unless a rule says otherwise.
const rule& make_key(std::string& key, const site& of, scheme over, const host_name& host, std::string_view target);

/// Of a key, without the scheme: what a URL's tag is made of, so that a purge is of both schemes.
[[nodiscard]] std::string_view url_of(std::string_view key) noexcept;
/// The path and query of a key. An answer that may be shared is asked for under this target, not under the client's,
/// so that no answer depends on what its key does not have.
[[nodiscard]] std::string_view target_of(std::string_view key) noexcept;
/// Host and port of a key.
[[nodiscard]] std::string_view host_of(std::string_view key) noexcept;

}  // namespace shoal::cache
