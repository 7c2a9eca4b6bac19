#pragma once
// What replication sends within CopyData, both ways (PostgreSQL's documentation, 55.4). Times are microseconds since
// 2000-01-01.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/core/error.hpp"
#include "services/relay/protocol/lsn.hpp"

namespace shoal::relay {

/// XLogData.
struct log_data {
    /// Where the payload stands; zero for a relation, a type, and a begin that an origin follows. What may be confirmed
    /// is said by commits and keepalives.
    lsn start = 0;
    /// As `start` in logical replication, not where the payload ends.
    lsn end = 0;
    std::int64_t sent_at = 0;
    /// One message of pgoutput; a view into the bytes that were read.
    std::string_view payload;
};

struct keepalive {
    /// All before it was sent: with nothing outstanding it may be confirmed.
    lsn end = 0;
    std::int64_t sent_at = 0;
    /// The sender ends the connection unless a status comes soon.
    bool reply_requested = false;
};

using stream_message = std::variant<log_data, keepalive>;

/// Strict, as `decode` is; the payload may be anything.
[[nodiscard]] result<stream_message> read_stream(std::string_view bytes);

/// The standby's status, 34 bytes. PostgreSQL forgets what stands before `flushed`.
[[nodiscard]] std::string status_update(lsn written, lsn flushed, lsn applied, std::int64_t now_us_since_2000,
                                        bool reply_requested);

}  // namespace shoal::relay
