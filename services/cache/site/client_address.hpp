#pragma once
// Who a request comes from, as X-Forwarded-For has it: each proxy appends the address that it saw.

#include <span>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"
#include "services/cache/site/address.hpp"

namespace shoal::cache {

/// The last members that are addresses; what is before something else was not written by a proxy.
[[nodiscard]] std::vector<std::string_view> forwarded_addresses(std::span<const field_view> fields);

/// The last that is none of `proxies`, which are in front of ours and are believed; the first where all are theirs;
/// empty where there is none.
[[nodiscard]] std::string_view client_address(std::span<const std::string_view> addresses,
                                              std::span<const listed_block> proxies) noexcept;

}  // namespace shoal::cache
