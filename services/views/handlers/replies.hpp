#pragma once
// HTTP of what was found, and of why nothing was.

#include <string_view>

#include "common/core/error.hpp"
#include "common/http/request.hpp"
#include "common/http/response.hpp"
#include "services/views/memory/answer.hpp"
#include "services/views/query/refusal.hpp"
#include "services/views/store/reader.hpp"

namespace shoal::views {

/// What Cache-Status says of it (RFC 9211).
namespace served {
inline constexpr std::string_view from_memory = "shoal; hit";
inline constexpr std::string_view from_redis = "shoal; fwd=miss";
inline constexpr std::string_view with_another = "shoal; fwd=miss; collapsed";
}  // namespace served

/// 304 where the request's If-None-Match says that the client has it.
[[nodiscard]] http::response reply(const answer& made, const http::request& to, std::string_view served_how);
[[nodiscard]] http::response reply(const refusal& why);

/// Of a failure of Redis.
[[nodiscard]] refusal refuse(const boost::system::error_code& why);
/// What the client is told where nothing may be served; the outcome is not `found`.
[[nodiscard]] refusal refuse(const reading& from);
/// No relay has said lately that the views are up to date, or this worker has not heard of it.
[[nodiscard]] refusal refuse_unattended();
/// What the client has written has not come in time.
[[nodiscard]] refusal refuse_write();

}  // namespace shoal::views
