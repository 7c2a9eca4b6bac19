#pragma once
// What the limiter's handlers ask of a request.

#include <optional>
#include <string_view>
#include <vector>

#include "common/http/request.hpp"
#include "services/limiter/parameters.hpp"

namespace shoal::limiter {

[[nodiscard]] boot_time deadline_of(const http::request& from);

/// Every value of a header, compared without case.
[[nodiscard]] std::vector<std::string_view> values_of(const http::request& from, std::string_view name);

/// Nothing when there is none; a problem when it is malformed or stands twice.
[[nodiscard]] parsed<std::optional<std::string_view>> idempotency_key_of(const http::request& from);

/// A problem when the request has an Idempotency-Key: taking it silently would promise what is not kept.
[[nodiscard]] std::optional<refusal> refuse_idempotency(const http::request& from);

}  // namespace shoal::limiter
