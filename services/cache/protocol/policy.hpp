#pragma once
// Whether a response may be stored, for how long it may be used, and what a stored one is good for now (RFC 9111, 3 and
// 4; RFC 5861; RFC 9213). A shared cache throughout.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"
#include "services/cache/protocol/lifetime.hpp"
#include "services/cache/protocol/request_view.hpp"

namespace shoal::cache::protocol {

/// What an operator says for a part of a site. Seconds.
struct site_policy {
    /// Takes the place of whatever the response says of its freshness, unless it is an error (4xx, 5xx); it makes
    /// nothing storable that is not.
    std::optional<std::int64_t> ttl{};
    /// For responses that say nothing: of statuses that may be stored without explicit freshness, and 302 and 307. Zero
    /// does not store them.
    std::int64_t default_ttl = 0;
    /// The same for 404, 405, 410, 414 and 5xx.
    std::int64_t negative_ttl = 0;
    /// A tenth of the time since Last-Modified, at most a day (RFC 9111, 4.2.2).
    bool heuristics = false;
    /// Where the origin says nothing about it, and does not forbid it either.
    std::int64_t stale_while_revalidate = 0;
    std::int64_t stale_if_error = 0;
    /// Cookie counts like Authorization: what answers it is stored only when it is marked for all.
    bool guard_cookies = true;
    /// Stores responses with Set-Cookie that are not marked for all.
    bool store_set_cookie = false;
    /// Targeted fields (RFC 9213), the first that is there counts; Cache-Control and Expires only without one.
    std::vector<std::string> targets{"cdn-cache-control"};
};

/// By the wall clock.
struct exchange_times {
    /// The head of the answer.
    std::chrono::sys_seconds received{};
    /// Whole seconds since the request was sent.
    std::int64_t delay = 0;
};

struct storing {
    bool allowed = false;
    /// Why not: static, of token characters, as `detail` in Cache-Status.
    std::string_view reason;
    /// It is not allowed because of this request, or of a status that is about it: another's answer may be.
    bool only_this = false;
    lifetime use;
    /// As vary_names() gives them.
    std::string vary;
    /// Names of fields that go to the client who asked, and are not stored; lower case.
    std::vector<std::string> withheld;
};

/// For an answer to GET or HEAD. A 206 may be kept as a part of the whole where it has a strong validator. A HEAD's own
/// answer can't be stored.
[[nodiscard]] storing decide_storing(const request_view& asked, unsigned status, field_span fields,
                                     const site_policy& site, const exchange_times& times);

/// The same for what a 304 (or a HEAD) has updated: `merged` are the fields of the updated head (lines_of()), `newer`
/// those of the answer that updated it. What is not allowed now may answer those who wait for it, and nobody else.
[[nodiscard]] storing decide_update(const request_view& asked, unsigned stored_status, field_span merged,
                                    field_span newer, const site_policy& site, const exchange_times& times);

/// corrected_initial_age of RFC 9111, 4.2.3.
[[nodiscard]] std::int64_t initial_age(field_span fields, const exchange_times& times) noexcept;

enum class reuse : std::uint8_t {
    /// Serve it.
    fresh,
    /// Serve it, and validate it meanwhile.
    stale_while_revalidating,
    /// Serve it: the origin gave no answer that could replace it.
    stale,
    /// Ask the origin first, with conditions where there is a validator.
    validate,
};

/// What is known when a stored response is looked at.
struct reuse_question {
    lifetime use;
    /// Whole seconds, at least use.initial_age.
    std::int64_t age = 0;
    /// What the client asks for, where the site lets it.
    request_directives wishes{};
    /// By the purge log; softly purged is stale from now on, and may be served while it is validated where staleness is
    /// allowed. What was purged does not get here.
    bool softly_purged = false;
    /// The origin did not answer, or with 500, 502, 503 or 504 (RFC 5861, 4).
    bool origin_failed = false;
};

[[nodiscard]] reuse judge(const reuse_question& of) noexcept;

/// An answer of this status counts as a failure of the origin.
[[nodiscard]] bool is_failure(unsigned status) noexcept;

/// May be stored without explicit freshness (RFC 9110, 15.1).
[[nodiscard]] bool is_heuristically_cacheable(unsigned status) noexcept;

/// The answer to this request may turn out to be for one client: nobody else gets it before its head says otherwise.
[[nodiscard]] bool is_personal(const request_view& asked, const site_policy& site) noexcept;

}  // namespace shoal::cache::protocol
