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

enum class cookie_rule : std::uint8_t {
    /// A request with Cookie goes to the origin, and its answer is not stored.
    bypass,
    /// As with Authorization: it may use what is stored; its own answer is stored only when that is marked for all
    /// (public, s-maxage, or a targeted field).
    guard,
    /// Cookies of requests don't matter; the site takes them off before the origin sees them.
    ignore,
};

/// What an operator says for a part of a site. Seconds.
struct site_policy {
    /// For what the origin says nothing about; none means that it is not stored. Only for statuses that may be stored
    /// without explicit freshness.
    std::optional<std::int64_t> default_ttl;
    /// The same for 404, 405, 410, 414 and 501.
    std::optional<std::int64_t> negative_ttl;
    /// A tenth of the time since Last-Modified, at most a day (RFC 9111, 4.2.2).
    bool heuristics = false;
    /// Where the origin says nothing about it, and does not forbid it either.
    std::int64_t stale_while_revalidate = 0;
    std::int64_t stale_if_error = 60;
    /// Whether clients may ask for fresher or staler answers than the origin's rules give. only-if-cached always
    /// counts.
    bool honour_request_directives = false;
    cookie_rule cookies = cookie_rule::guard;
    /// Stores responses with Set-Cookie that are not marked for all.
    bool store_set_cookie = false;
    /// Targeted fields (RFC 9213), the first that is there counts; Cache-Control and Expires only without one.
    std::vector<std::string> targets{"cdn-cache-control"};
};

/// When the request was sent and its answer received, by the wall clock; the first line of the answer counts.
struct exchange_times {
    std::chrono::sys_seconds received;
    /// Whole seconds between both.
    std::int64_t delay = 0;
};

struct storing {
    bool allowed = false;
    /// Why not: static, of token characters, as `detail` in Cache-Status.
    std::string_view reason;
    lifetime use;
    /// Lower case, sorted, each once.
    std::vector<std::string> vary;
    /// Names of fields that go to the client who asked, and are not stored; lower case.
    std::vector<std::string> withheld;
};

/// For an answer to GET or HEAD. 206 may be stored as pieces of a whole (pieces.hpp); what is allowed for it is what
/// would be for a 200. A HEAD's own
/// answer can't be stored, but may update or void what is (head_confirms()).
[[nodiscard]] storing decide_storing(const request_view& asked, unsigned status, field_span fields,
                                     const site_policy& site, const exchange_times& times);

/// Only how old and how long fresh: of what a 304 has updated. `fields` are the merged ones.
[[nodiscard]] lifetime read_lifetime(unsigned status, field_span fields, const site_policy& site,
                                     const exchange_times& times);

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
    request_directives wishes{};
    bool honour_wishes = false;
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

/// Whether a request may be answered from what is stored at all, and its answer wait for another's: not with
/// cookie_rule::bypass and a Cookie.
[[nodiscard]] bool may_look_up(const request_view& asked, const site_policy& site) noexcept;

/// Whether this request's answer may be given to others while it is being filled. An answer to one with Authorization
/// or a guarded Cookie may turn out to be for one client: others wait for its head to say.
[[nodiscard]] bool is_personal(const request_view& asked, const site_policy& site) noexcept;

}  // namespace shoal::cache::protocol
