#pragma once
// Fields that are about one connection: neither stored nor passed on (RFC 9110, 7.6.1; RFC 9111, 3.1).

#include <string>
#include <string_view>
#include <vector>

#include "services/cache/protocol/fields.hpp"

namespace shoal::cache::protocol {

/// By its name alone: Connection, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings.
[[nodiscard]] bool is_hop_by_hop(std::string_view name) noexcept;

/// Those names, and what the message's Connection nominates; made once for a message.
class hop_by_hop {
public:
    explicit hop_by_hop(field_span fields);

    /// Fields without which the message would mean something else can't be nominated: Cache-Control, Vary, Set-Cookie,
    /// Authorization, what begins with Content-, and the like.
    [[nodiscard]] bool covers(std::string_view name) const;

private:
    /// Lower case, sorted.
    std::vector<std::string> nominated_;
};

}  // namespace shoal::cache::protocol
