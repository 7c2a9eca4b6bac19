#pragma once
// Everything that a run was asked to do, valid as a whole.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/load/domain/checks.hpp"
#include "tests/load/domain/keys.hpp"
#include "tests/load/domain/knee.hpp"
#include "tests/load/domain/request_template.hpp"
#include "tests/load/domain/schedule.hpp"
#include "tests/load/domain/url.hpp"

namespace shoal::load {

namespace limits {

constexpr arrival_rate most_rate{1'000'000'000};
constexpr std::chrono::hours most_duration{24};
constexpr std::chrono::minutes most_timeout{10};
constexpr std::uint32_t most_connections = 18'000;
constexpr std::uint32_t most_waiting = 10'000'000;
constexpr std::size_t most_steps = 100;
constexpr std::size_t most_processes = 64;
/// What the generator takes for itself at most, whatever the system allows.
constexpr std::uint32_t descriptors = 20'000;

}  // namespace limits

enum class mode : std::uint8_t { open, closed, find_max };

/// A process whose CPU time is counted.
struct watched_process {
    std::string name;
    pid_t pid = 0;
};

struct options {
    url target;
    /// Connects to this unix socket; the URL's host is then only a name.
    std::string unix_path;
    mode how = mode::open;
    /// Of an open loop.
    std::vector<load_step> steps;
    /// Of a closed loop: requests at a time, and for how long.
    std::uint32_t closed = 0;
    std::chrono::nanoseconds duration{};
    /// Of the search.
    objective slo;
    arrival_rate first_rate;
    std::chrono::nanoseconds trial{};

    request_shape request;
    key_choice keys;
    check_options checks;
    std::string owner_field = "X-Shoal-Worker";

    std::uint32_t connections = 256;
    std::uint32_t waiting = 1'000'000;
    std::chrono::nanoseconds timeout = std::chrono::seconds{5};
    bool retry = false;

    std::uint64_t seed = 0;
    std::vector<watched_process> processes;
    std::string json_path;
    std::string record_path;
    bool quiet = false;
    /// Told twice that a target that is not loopback may be loaded.
    bool remote_allowed = false;

    /// What the run takes at most, without the time for the last answers.
    [[nodiscard]] std::chrono::nanoseconds expected_length() const noexcept;
};

}  // namespace shoal::load
