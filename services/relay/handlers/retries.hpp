#pragma once
// How long to wait before the database is asked again: it logs each attempt that it refuses, so one that goes on
// failing comes more rarely.

#include <chrono>
#include <cstdint>
#include <random>

namespace shoal::relay {

class retries {
public:
    explicit retries(std::uint64_t seed = std::random_device{}()) : random_{seed} {}

    /// The first between 125 and 250 ms, each next one between half of and all of twice as much, up to 5 s.
    [[nodiscard]] std::chrono::milliseconds next();
    /// The last attempt did what it was to do.
    void reset() noexcept { most_ = least; }

private:
    static constexpr std::chrono::milliseconds least{250};

    std::chrono::milliseconds most_ = least;
    std::minstd_rand random_;
};

}  // namespace shoal::relay
