#include "services/views/handlers/settings.hpp"

#include "common/config/duration.hpp"
#include "common/config/reader.hpp"
#include "common/config/size.hpp"

namespace shoal::views {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t mb = 1 << 20;
constexpr config::integer_range memories{mb, mb << 20};
constexpr std::int64_t usual_memory = 64 * mb;
/// A claim of the relay's is about 100 ms old when it is made, and is heard of with a renewal of the lease.
constexpr config::duration_range words{400ms, 1h};
constexpr std::chrono::microseconds usual_word = 500ms;
constexpr config::duration_range waits{0s, 1min};
constexpr std::chrono::microseconds usual_wait = 1s;

}  // namespace

settings read_settings(config::object& section)
{
    return {.memory = static_cast<std::uint64_t>(section.size("memory", memories, usual_memory)),
            .relay_within = section.duration("relay_within", words, usual_word),
            .wait = section.duration("wait", waits, usual_wait)};
}

nlohmann::json to_json(const settings& from)
{
    return {{"memory", config::format_size(static_cast<std::int64_t>(from.memory))},
            {"relay_within", config::format_duration(from.relay_within)},
            {"wait", config::format_duration(from.wait)}};
}

}  // namespace shoal::views
