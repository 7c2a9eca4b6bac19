#pragma once
// A response as it is kept: in the worker's memory, and in Redis. Made once, then never changed: a 304 makes another
// one that shares the body.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/bytes.hpp"
#include "common/core/clock.hpp"
#include "services/cache/coherence/stamp.hpp"

namespace shoal::cache {

/// How long a response may be used (RFC 9111, 4.2; RFC 5861). Seconds, of the wall clock where it leaves the process.
struct lifetime {
    /// corrected_initial_age at `received`.
    std::int64_t initial_age = 0;
    std::int64_t fresh_for = 0;
    std::int64_t stale_while_revalidate = 0;
    std::int64_t stale_if_error = 0;
    /// no-cache: never without validation.
    bool always_validate = false;
    /// must-revalidate, proxy-revalidate or s-maxage: never stale, whatever happens.
    bool must_revalidate = false;
};

struct stored final : counted {
    /// The URL as the site's rules normalise it: see site/key.hpp.
    std::string key;
    /// The normalised values of the request's fields that the response's Vary names; empty without Vary.
    std::string variant;
    /// Lower case, sorted; what `variant` has the values of.
    std::vector<std::string> vary;

    unsigned status = 200;
    /// Status line and header lines as clients get them, with Date, and Content-Length where the body is complete;
    /// without Age, Connection and the empty line.
    std::string head;
    /// In pieces of at most 64 KiB, complete.
    std::vector<std::string_view> body;
    /// What `body` points into.
    std::vector<keeper> body_owners;
    std::uint64_t body_length = 0;

    /// With its quotes and W/; empty without.
    std::string etag;
    /// As it was sent; empty without.
    std::string last_modified;

    lifetime use;
    /// When the response had been received. The two clocks are read together; only wall_received leaves the process.
    boot_time received;
    wall_clock::time_point wall_received;

    stamp since;
    /// Of the URL, the site, everything, and the surrogate keys and groups.
    std::vector<tag> tags;
    /// The surrogate keys and groups as text, for people.
    std::vector<std::string> tag_texts;
    /// Name of the site, for metrics and inspection.
    std::string site;
    /// Names one fill: what a 304 updates, and no other.
    std::string fill;

    /// Age in whole seconds.
    [[nodiscard]] std::int64_t age(boot_time now) const noexcept;
};

using stored_ptr = boost::intrusive_ptr<const stored>;

}  // namespace shoal::cache
