#pragma once
// What clients are told when an origin gives no answer.

#include <string_view>

#include <boost/system/error_code.hpp>

#include "common/http/response.hpp"

namespace shoal::cache {

/// 502, 503 or 504, with what to do where there is something.
[[nodiscard]] http::response error_answer(boost::system::error_code why);

/// Neither a hit nor forwarded.
[[nodiscard]] http::response refused(unsigned status, std::string_view why);

}  // namespace shoal::cache
