#pragma once
// One exchange of a client, the cache and an origin, as the public conformance suite plays it: a response comes in, and
// a while later a second request asks for the same.

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "services/cache/protocol/http_date.hpp"
#include "services/cache/protocol/policy.hpp"

namespace shoal::cache::protocol::test {

using field_list = std::vector<field_view>;

/// 2026-11-22 12:00:00.
inline constexpr std::chrono::sys_seconds noon{std::chrono::seconds{1'795'348'800}};

/// noon + `offset`, as a header field has it; kept for ever.
[[nodiscard]] std::string_view date(std::int64_t offset);

[[nodiscard]] request_view get(const field_list& fields);
[[nodiscard]] request_view get();

/// What is decided about a response that was received at noon, at once.
[[nodiscard]] storing decide(const field_list& fields, unsigned status = 200, const site_policy& site = {});
[[nodiscard]] storing decide_for(const field_list& request, const field_list& fields, const site_policy& site = {});

/// What a second request finds `seconds` later: nothing stored is `validate`.
[[nodiscard]] reuse ask_after(std::int64_t seconds, const field_list& fields, unsigned status = 200,
                              const site_policy& site = {});

/// It is served without asking the origin, three seconds later.
[[nodiscard]] bool is_reused(const field_list& fields, unsigned status = 200, const site_policy& site = {});

}  // namespace shoal::cache::protocol::test
