#pragma once
// The part of URLs that a load has: http://HOST[:PORT]/TARGET, the target perhaps with {key} or {n}.

#include <cstdint>
#include <string>
#include <string_view>

namespace shoal::load {

struct url {
    /// A name or a numeric address, an IPv6 one without its brackets.
    std::string host;
    std::uint16_t port = 80;
    /// As it goes into the Host field.
    std::string authority;
    /// Path and query, at least "/".
    std::string target;
};

/// Throws bad_input.
[[nodiscard]] url parse_url(std::string_view text);

}  // namespace shoal::load
