#pragma once
// Who may purge: whoever has the token, and PURGE from addresses that are listed.

#include <string>
#include <string_view>
#include <vector>

#include "services/cache/site/address.hpp"

namespace shoal::cache {

struct purge_access {
    /// When it is empty, nobody has it.
    std::string token;
    std::string token_file;
    struct block {
        std::string text;
        address_block addresses;
    };
    std::vector<block> allow;

    /// `authorization` is the field's value: "Bearer <token>" (RFC 6750, 2.1). Takes as long for any token of one
    /// length.
    [[nodiscard]] bool admits_token(std::string_view authorization) const noexcept;
    /// Nothing that is no address is listed.
    [[nodiscard]] bool admits_address(std::string_view text) const noexcept;
};

}  // namespace shoal::cache
