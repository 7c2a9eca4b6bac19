#pragma once
// A request that names a write of its client's, and wants to see it.

#include <optional>

#include "common/coherence/write_token.hpp"
#include "common/http/request.hpp"
#include "services/views/query/refusal.hpp"

namespace shoal::views {

/// Nothing when there is none; a problem when it is malformed or stands twice.
[[nodiscard]] parsed<std::optional<coherence::write_token>> read_after(const http::request& from);

}  // namespace shoal::views
