#pragma once
// Fields that are about one connection: neither stored nor passed on (RFC 9110, 7.6.1; RFC 9111, 3.1).

#include <string_view>

#include "services/cache/protocol/fields.hpp"

namespace shoal::cache::protocol {

/// By its name alone: Connection, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings.
[[nodiscard]] bool is_hop_by_hop(std::string_view name) noexcept;

/// Those names, and what the message's Connection nominates; made once for a message.
class hop_by_hop {
public:
    /// `fields` must live as long as this.
    explicit hop_by_hop(field_span fields) noexcept;

    /// Fields without which a message would mean something else can't be nominated: Host, Content-Length,
    /// Cache-Control, Vary, Age, Authorization, Cookie, Set-Cookie, and what starts with Content-.
    [[nodiscard]] bool covers(std::string_view name) const noexcept;

private:
    field_span fields_;
    bool nominates_ = false;
};

}  // namespace shoal::cache::protocol
