#pragma once
// Who a request comes from, as X-Forwarded-For has it: each proxy appends the address that it saw.

#include <span>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"
#include "services/cache/site/address.hpp"

namespace shoal::cache {

/// The end of X-Forwarded-For, as far as its members are addresses.
struct forwarded_chain {
    std::vector<std::string_view> addresses;
    /// Something that is no address stands before them: from where it came to the first of them is not known.
    bool cut = false;
};

[[nodiscard]] forwarded_chain read_forwarded(std::span<const field_view> fields);

/// The last that is none of `proxies`, which are in front of ours and are believed. Where all are theirs, the first;
/// empty where even that one's client is not known.
[[nodiscard]] std::string_view client_address(const forwarded_chain& chain,
                                              std::span<const listed_block> proxies) noexcept;

}  // namespace shoal::cache
