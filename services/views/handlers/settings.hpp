#pragma once
// The section "views" of the configuration.

#include <chrono>
#include <cstdint>

#include <nlohmann/json.hpp>

namespace shoal::config {
class object;
}

namespace shoal::views {

struct settings {
    /// Bytes of what a worker keeps of its answers.
    std::uint64_t memory = 0;
    /// How old the relay's word that the views are up to date may be.
    std::chrono::microseconds relay_within{0};
    /// The longest that a request waits for what its client has written.
    std::chrono::microseconds wait{0};
};

/// What is wrong is noted in the section.
[[nodiscard]] settings read_settings(config::object& section);
[[nodiscard]] nlohmann::json to_json(const settings& from);

}  // namespace shoal::views
