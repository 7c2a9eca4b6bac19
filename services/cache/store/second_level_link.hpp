#pragma once
// What the parts of the second level work with, and how long what they leave in Redis lasts.

#include <chrono>
#include <cstdint>
#include <string>

#include <boost/asio/io_context.hpp>

#include "services/cache/store/second_level_keys.hpp"

namespace shoal::redis {
class client;
}
namespace shoal::runtime {
class task_group;
}

namespace shoal::cache {

/// The references live longer than whatever has a copy.
struct second_level_link {
    boost::asio::io_context& loop;
    runtime::task_group& tasks;
    redis::client& redis;
    /// Bytes of a response that are shared at most, or kept for who is late.
    std::uint64_t largest = 0;
};

/// One worker's turn at one URL.
struct fill_turn {
    url_keys names;
    /// Drawn for this turn.
    std::string token;
};

namespace lasts {

/// A leader that died is replaced after this.
inline constexpr std::chrono::milliseconds lock{2'000};
/// That somebody waits; longer than the leader takes to ask again.
inline constexpr std::chrono::milliseconds wait{1'000};
/// What is shared, after its last entry or its leader's last sign.
inline constexpr std::chrono::milliseconds stream{5'000};
/// That everybody fetches what turned out too large to be shared.
inline constexpr std::chrono::milliseconds too_large{1'000};

}  // namespace lasts

}  // namespace shoal::cache
