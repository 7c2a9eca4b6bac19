#pragma once
// One request as a handler sees it.

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

#include "common/core/clock.hpp"

namespace shoal::http {

using boost::beast::http::field;
using boost::beast::http::verb;

struct header {
    field name;
    std::string_view name_text;
    std::string_view value;
};

/// A part of the time that a request took, shown in Server-Timing and in the slow-request log.
struct timing {
    std::string_view name;
    std::chrono::nanoseconds duration;
};

/// Every view points into the session's buffer and stays valid until the handler's answer is made,
/// also across a co_await of the handler.
class request {
public:
    verb method = verb::unknown;
    std::string_view method_text;
    /// As sent, in origin form; the path and the query are parts of it, still percent-encoded.
    std::string_view target;
    std::string_view path;
    std::string_view query;
    std::string_view body;
    std::vector<header> headers;
    /// Taken over from X-Request-Id when it is 1 to 128 visible ASCII characters, else made by the session.
    std::string_view id;
    /// Read after the last recv of this request (of its head, where its body is streamed), and not before its handling
    /// could begin: after the answer to the one before it on its connection.
    boot_time received;
    /// From X-Request-Deadline-Ms: that many milliseconds (1 to 3,600,000) after it arrived.
    std::optional<boot_time> deadline;
    /// The segments that the route's {placeholders} matched, in order, still percent-encoded.
    std::array<std::string_view, 4> parameters;

    /// The first header of that name.
    [[nodiscard]] std::optional<std::string_view> find(field name) const noexcept;
    /// The first header of that name, compared without case.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

    /// Adds to the time shown under `name` (static storage); at most four names are kept.
    void add_timing(std::string_view name, std::chrono::nanoseconds duration) noexcept;
    [[nodiscard]] std::span<const timing> timings() const noexcept { return {timings_.data(), timing_count_}; }

    /// Forgets everything but the memory of `headers`.
    void clear() noexcept;

private:
    std::array<timing, 4> timings_{};
    std::size_t timing_count_ = 0;
};

}  // namespace shoal::http
