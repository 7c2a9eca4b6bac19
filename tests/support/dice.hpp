#pragma once
// Randomness of a simulation: quick to seed, so that each life has a seed of its own.

#include <cstddef>
#include <cstdint>

namespace shoal::test {

/// splitmix64 (Steele, Lea, Flood 2014).
class fast_dice {
public:
    explicit fast_dice(std::uint64_t seed) : state_{seed} {}

    [[nodiscard]] std::uint64_t next() noexcept
    {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }
    [[nodiscard]] std::int64_t between(std::int64_t least, std::int64_t most) noexcept
    {
        return least + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(most - least + 1));
    }
    [[nodiscard]] std::size_t below(std::size_t bound) noexcept { return static_cast<std::size_t>(next() % bound); }
    [[nodiscard]] bool chance(double probability) noexcept
    {
        return probability > 0 && static_cast<double>(next() >> 11U) * 0x1p-53 < probability;
    }

private:
    std::uint64_t state_;
};

}  // namespace shoal::test
