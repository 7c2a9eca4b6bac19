#pragma once
// What becomes of a decision, whoever made it: it is counted and told; and of one that Redis did not make, by the
// rule's policy.

#include <cstdint>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "common/http/response.hpp"
#include "services/limiter/handlers_book.hpp"
#include "services/limiter/local_share.hpp"
#include "services/limiter/parameters.hpp"
#include "services/limiter/top.hpp"
#include "services/limiter/verdict.hpp"

namespace shoal::limiter {

/// How a request's answer says yes, no, and that nobody can tell.
struct statuses {
    unsigned allowed = 200;
    unsigned refused = 429;
    unsigned unavailable = 503;
};

class referee {
public:
    void set_workers(std::int64_t count) noexcept { local_.set_workers(count); }

    /// Counts a decision.
    verdict settle(const listed_rule& rule, std::string_view key, const outcome& made);

    /// What the rule says when Redis answered `why` instead: an outcome, or a problem that has been counted.
    [[nodiscard]] parsed<outcome> take(const listed_rule& rule, std::string_view key, std::int64_t cost,
                                       const boost::system::error_code& why);
    [[nodiscard]] parsed<outcome> peek(const listed_rule& rule, std::string_view key, std::int64_t cost,
                                       const boost::system::error_code& why);
    [[nodiscard]] parsed<outcome> acquire(const listed_rule& rule, std::string_view key, std::string_view id,
                                          std::int64_t ttl_ms, const boost::system::error_code& why);
    [[nodiscard]] parsed<outcome> renew(const listed_rule& rule, std::string_view key, std::string_view id,
                                        std::int64_t ttl_ms, const boost::system::error_code& why);
    /// Whether a slot that only this worker knew is free now.
    bool release(const rule& by, std::string_view key, std::string_view id);
    void forget(const rule& by, std::string_view key) { local_.forget(by, key); }

    [[nodiscard]] const top_refused& top() const noexcept { return top_; }

private:
    [[nodiscard]] static parsed<outcome> denied(const rule& by, const boost::system::error_code& why);

    local_share local_;
    top_refused top_;
};

/// Nothing is known of how the key stands when a policy allowed.
[[nodiscard]] bool knows_standing(const rule& by, const outcome& made) noexcept;

/// A verdict with the header fields of the rule's dialect; Retry-After when it refuses. A 204 has no body.
[[nodiscard]] http::response answer(const listed_rule& rule, const outcome& made, const verdict& said, unsigned status);
void add_fields(http::response& to, const listed_rule& rule, const outcome& made, const verdict& said);

/// A problem; 403 and 503 say when to try again.
[[nodiscard]] http::response refuse(const refusal& why);

}  // namespace shoal::limiter
