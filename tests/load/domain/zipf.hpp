#pragma once
// Ranks whose popularity falls as 1/rank^s, without a table: rejection-inversion (Hörmann, Derflinger 1996).

#include <cstdint>

#include "tests/support/dice.hpp"

namespace shoal::load {

class zipf {
public:
    /// Of `count` ranks, at least 1. The exponent is 0 (uniform) to 10.
    zipf(std::uint32_t count, double exponent);

    /// 1 to count.
    [[nodiscard]] std::uint32_t next(test::fast_dice& dice) const noexcept;

private:
    /// The integral of x^-s from 1, and its inverse.
    [[nodiscard]] double area(double x) const noexcept;
    [[nodiscard]] double inverse(double y) const noexcept;
    [[nodiscard]] double height(double x) const noexcept;

    double count_;
    double exponent_;
    double lowest_;
    double highest_;
    /// How far below a draw its rank may be for being taken without a closer look.
    double sure_;
};

}  // namespace shoal::load
