#pragma once
// What is in memory, for the next process of the place.

#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "common/http/router.hpp"
#include "services/cache/memory/memory.hpp"

namespace shoal::cache {

inline constexpr std::string_view hottest_path{"/-/cache/hottest"};

/// `of` lives until the loop has ended.
[[nodiscard]] http::route hottest_route(boost::asio::io_context& loop, memory& of);

}  // namespace shoal::cache
