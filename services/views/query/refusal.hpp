#pragma once
// Why a question is not answered; `detail` is for the client and says what to do.

#include <string>
#include <utility>

#include <boost/system/result.hpp>

namespace shoal::views {

struct refusal {
    refusal() = default;
    refusal(unsigned with_status, std::string why) : status{with_status}, detail{std::move(why)} {}

    unsigned status = 400;
    std::string detail;
};

template <class T>
using parsed = boost::system::result<T, refusal>;

/// Throws std::logic_error: the value of a refused question was read.
[[noreturn]] void throw_exception_from_error(const refusal& refused, const boost::source_location& where);

}  // namespace shoal::views
