#pragma once
// Answers made of something stored: whole, not modified, or parts of it.

#include "common/core/clock.hpp"
#include "common/http/prepared.hpp"
#include "services/cache/handlers/ask.hpp"
#include "services/cache/memory/partial.hpp"
#include "services/cache/memory/stored.hpp"
#include "services/cache/protocol/cache_status.hpp"
#include "services/cache/protocol/conditional.hpp"

namespace shoal::cache {

[[nodiscard]] protocol::validators validators_of(const stored& of) noexcept;

/// The client's conditions and ranges are judged here. `told` gets its ttl from `what`.
[[nodiscard]] http::prepared serve(const stored_ptr& what, const ask& to, boot_time now, protocol::cache_status told);

/// A single range whose bytes are all here; else nothing.
[[nodiscard]] std::optional<http::prepared> serve_part(const partial_ptr& what, const ask& to, boot_time now,
                                                       protocol::cache_status told);

}  // namespace shoal::cache
