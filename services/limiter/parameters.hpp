#pragma once
// What a request says: which key, and at what cost. Pure: strings in, values or a problem out.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <boost/system/result.hpp>

namespace shoal::limiter {

constexpr std::size_t most_key_bytes = 512;

/// Why a request is refused; `detail` is for the client and says what to do.
struct refusal {
    refusal() = default;
    refusal(unsigned with_status, std::string why) : status{with_status}, detail{std::move(why)} {}

    unsigned status = 400;
    std::string detail;
};

template <class T>
using parsed = boost::system::result<T, refusal>;

[[noreturn]] void throw_exception_from_error(const refusal& refused, const boost::source_location& where);

/// One path segment, still percent-encoded: UTF-8 of 1 to 512 bytes once decoded; any character, U+0000 too.
[[nodiscard]] parsed<std::string> read_key(std::string_view segment);

/// From the query (?cost=3) or a JSON body ({"cost":3}), 1 when neither has it; both must agree.
/// Above `most` is refused with 422.
[[nodiscard]] parsed<std::int64_t> read_cost(std::string_view query, std::string_view body, std::int64_t most);

}  // namespace shoal::limiter
