#pragma once
// A worker's command line.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/log/log.hpp"

namespace shoal::worker {

/// "unix:PATH" or "tcp:ADDRESS:PORT" with a numeric address.
struct socket_name {
    std::string unix_path{};
    std::string address{};
    std::uint16_t port = 0;
};

[[nodiscard]] std::string to_string(const socket_name& name);
/// Nothing when the text is of neither form.
[[nodiscard]] std::optional<socket_name> parse_socket(std::string_view text);

struct flags {
    std::string name;
    /// Grows each time that the process of this place is replaced.
    std::int64_t generation = 0;
    std::string config;
    std::vector<socket_name> listen;
    /// For a service that stands before other sites: everything that comes here is theirs.
    std::vector<socket_name> listen_site;
    socket_name admin;
    std::optional<socket_name> redis_state;
    std::optional<socket_name> redis_l2;
    std::optional<log::style> log_style;
    std::chrono::milliseconds drain_deadline{30'000};
    std::chrono::milliseconds warm_deadline{5'000};
    bool check_config = false;
};

/// What the command line asks for: to run with `asked`, or to end at once with `exit_code` (--help, --version
/// and wrong usage, which have been answered on stdout or stderr).
struct command_line {
    std::optional<flags> asked{};
    int exit_code = 0;
};

[[nodiscard]] command_line parse_flags(int argc, const char* const* argv, std::string_view service);

}  // namespace shoal::worker
