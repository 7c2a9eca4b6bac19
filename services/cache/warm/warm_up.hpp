#pragma once
// A new process gets what the one before it has in memory, from the second level. It depends on neither: what they lack
// is left out, and what was purged meanwhile is judged by its stamp whenever it is served.

#include <cstddef>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/worker/service.hpp"
#include "services/cache/coherence.hpp"
#include "services/cache/memory/memory.hpp"
#include "services/cache/store/second_level.hpp"

namespace shoal::cache {

/// All of it lives until the loop has ended.
struct warm_parts {
    boost::asio::io_context& loop;
    runtime::task_group& tasks;
    log::logger& log;
    const coherence_view& purges;
    memory& l1;
    second_level& l2;
};

/// Returns how many responses came back: all that there is room for, or those until `from.over`.
[[nodiscard]] boost::asio::awaitable<std::size_t> warm_up(warm_parts with, worker::succession from);

}  // namespace shoal::cache
