#pragma once
// One error enumeration and one category for everything that crosses a function boundary as a value.

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace shoal {

enum class errc {
    /// The command was never sent to Redis: retrying it is always safe.
    redis_unavailable = 1,
    /// The command was sent and no answer came: it may have run, or may still run.
    redis_outcome_unknown,
    /// Redis answered with an error; its text is in the log.
    redis_error_reply,
    /// Redis answered with something the caller does not understand.
    redis_unexpected_reply,
    /// The caller's own deadline passed before the work was begun.
    deadline_exceeded,
    /// The other side closed or reset the connection.
    connection_lost,
    /// A body whose framing can't be read.
    malformed_body,
    /// A message above a limit.
    too_large,
    /// No connection to the origin: the request was not sent.
    origin_unreachable,
    /// As many connections to the origin as are allowed, and as many waiting.
    origin_busy,
    /// The origin took longer than it may.
    origin_timeout,
    /// The origin closed or reset the connection before its answer was complete.
    origin_lost,
    /// The origin's answer is not HTTP/1.1 as it may be passed on.
    origin_malformed,
    /// The origin answered with a status of its own failure, and something stored is better.
    origin_error_status,
    /// No connection to the database, or it is gone.
    database_lost,
    /// The database answered with an error; its text is kept beside the code.
    database_refused,
    /// The database sent bytes that its protocol does not have.
    database_malformed,
    /// Changes came of more tables than may be kept in mind for one connection.
    too_many_relations,
};

[[nodiscard]] const boost::system::error_category& shoal_category() noexcept;

[[nodiscard]] inline boost::system::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), shoal_category()};
}

template <class T>
using result = boost::system::result<T>;

}  // namespace shoal

template <>
struct boost::system::is_error_code_enum<shoal::errc> : std::true_type {
};
