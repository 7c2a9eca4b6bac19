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
    std::vector<listed_block> allow;

    /// `authorization` is the field's value: "Bearer <token>" (RFC 6750, 2.1). Takes as long for any token of one
    /// length.
    [[nodiscard]] bool admits_token(std::string_view authorization) const noexcept;
    /// `text` is the client's (client_address.hpp).
    [[nodiscard]] bool admits_address(std::string_view text) const noexcept;
};

}  // namespace shoal::cache
