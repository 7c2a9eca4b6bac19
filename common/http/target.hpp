#pragma once
// The four forms of a request target (RFC 9112, 3.2).

#include <optional>
#include <string>
#include <string_view>

#include "common/http/refusal.hpp"
#include "common/http/request.hpp"

namespace shoal::http {

/// A host, which may be empty, and perhaps a port; no user.
[[nodiscard]] bool is_authority(std::string_view text) noexcept;

/// Brings the target to origin form and fills path and query; `OPTIONS *` keeps its asterisk as target and path.
/// An absolute form's authority takes the place of Host. `storage` holds a target that is not a part of the old one.
[[nodiscard]] std::optional<refusal> reduce_target(request& of, std::string& storage);

}  // namespace shoal::http
