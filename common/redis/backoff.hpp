#pragma once
// How long to wait before the next attempt: exponential, with full jitter, so that a fleet does not come back
// all at once.

#include <chrono>
#include <random>

namespace shoal::redis {

class backoff {
public:
    /// The first pause is drawn from [0, least], the next from [0, 2 least], and so on up to `most`;
    /// never less than a tenth of `least`, so that attempts can't spin.
    backoff(std::chrono::milliseconds least, std::chrono::milliseconds most, std::uint64_t seed);

    [[nodiscard]] std::chrono::microseconds next();
    void reset() noexcept { ceiling_ = least_; }

private:
    std::chrono::microseconds least_;
    std::chrono::microseconds most_;
    std::chrono::microseconds ceiling_;
    std::mt19937_64 random_;
};

}  // namespace shoal::redis
