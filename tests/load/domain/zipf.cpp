#include "tests/load/domain/zipf.hpp"

#include <algorithm>
#include <cmath>

namespace shoal::load {

zipf::zipf(std::uint32_t count, double exponent)
    : count_{static_cast<double>(count)},
      exponent_{exponent},
      lowest_{area(1.5) - 1},
      highest_{area(count_ + 0.5)},
      sure_{2 - inverse(area(2.5) - height(2))}
{
}

double zipf::area(double x) const noexcept
{
    // (x^(1-s) - 1) / (1-s), also where s is near 1.
    const double log_x = std::log(x);
    const double power = (1 - exponent_) * log_x;
    return std::abs(power) < 1e-8 ? log_x * (1 + power / 2) : std::expm1(power) / (1 - exponent_);
}

double zipf::inverse(double y) const noexcept
{
    const double power = std::max(-1.0, y * (1 - exponent_));
    return std::exp(std::abs(power) < 1e-8 ? y * (1 - power / 2) : std::log1p(power) / (1 - exponent_));
}

double zipf::height(double x) const noexcept
{
    return std::exp(-exponent_ * std::log(x));
}

std::uint32_t zipf::next(test::fast_dice& dice) const noexcept
{
    for (;;) {
        const double unit = static_cast<double>(dice.next() >> 11U) * 0x1p-53;
        const double drawn = highest_ + unit * (lowest_ - highest_);
        const double x = inverse(drawn);
        const double rank = std::clamp(std::floor(x + 0.5), 1.0, count_);
        if (rank - x <= sure_ || drawn >= area(rank + 0.5) - height(rank)) return static_cast<std::uint32_t>(rank);
    }
}

}  // namespace shoal::load
