#pragma once
// Where a Redis listens, and how patient its client is.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace shoal::redis {

/// Where a Redis listens: a unix socket, or a numeric address (hiredis resolves names by blocking).
struct endpoint {
    std::string unix_path;
    std::string address;
    std::uint16_t port = 6379;
    std::string username;
    std::string password;
};

struct options {
    endpoint where;
    /// Label `instance` of the client's metrics, so that several clients of a worker do not share theirs; without one
    /// they have no such label.
    std::string name{};
    std::chrono::milliseconds connect_timeout{1000};
    /// How long a command may take when its caller names no deadline.
    std::chrono::milliseconds command_timeout{100};
    /// Commands without an answer; one more fails with redis_unavailable.
    std::size_t max_pending = 10'000;
    std::chrono::milliseconds least_backoff{20};
    std::chrono::milliseconds most_backoff{1000};
};

}  // namespace shoal::redis
