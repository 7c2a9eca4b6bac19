#pragma once
// What the two commands do, each to its exit code; they speak on stdout, and on stderr of what went wrong.

#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "services/relay/setup/report.hpp"
#include "services/relay/setup/survey.hpp"

namespace shoal::relay {

/// The rules' findings, and before them those of the database.
[[nodiscard]] boost::asio::awaitable<int> check(boost::asio::io_context& loop, settings chosen, bool json);

[[nodiscard]] boost::asio::awaitable<int> setup(boost::asio::io_context& loop, settings chosen, bool print);

/// All that is to be said of a database before anything is done to it.
[[nodiscard]] std::vector<found> findings_of(const settings& chosen, const survey& of);

}  // namespace shoal::relay
