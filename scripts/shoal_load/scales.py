"""From values to places on a chart, and the round values that its axes name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Iterable


@dataclass(frozen=True)
class Scale:
    low: float
    high: float
    ticks: list[float]
    place: Callable[[float], float]
    """0 at the low end, 1 at the high one; what is outside stays outside."""
    name: Callable[[float], str]


def number(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 10000:
        return f"{value / 1000:,.0f}k" if abs(value) < 10_000_000 else f"{value / 1e6:,.0f}M"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def linear(values: Iterable[float], from_zero: bool = True) -> Scale:
    found = list(values) or [0.0]
    low, high = (0.0 if from_zero else min(found)), max(found)
    if high <= low:
        high = low + 1
    step = _round_step((high - low) / 5)
    first = math.floor(low / step)
    last = math.ceil(high / step - 1e-9)
    low, high = first * step, last * step
    ticks = [index * step for index in range(first, last + 1)]
    return Scale(low, high, ticks, lambda value: (value - low) / (high - low), number)


def _round_step(step: float) -> float:
    """The next of 1, 2, 5, 10, ..."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def logarithmic(values: Iterable[float], least: float) -> Scale:
    """Whole powers of ten; what is below `least` is there."""
    found = [max(least, value) for value in values] or [least]
    low = math.floor(math.log10(min(found)) + 1e-9)
    high = max(low + 1, math.ceil(math.log10(max(found)) - 1e-9))
    ticks = [10.0 ** power for power in range(low, high + 1)]
    return Scale(10.0 ** low, 10.0 ** high, ticks,
                 lambda value: (math.log10(max(least, value)) - low) / (high - low), number)


def percentiles(highest: float) -> Scale:
    """Each nine as wide as the one before: how the tail of a distribution becomes visible. `highest` is below 1."""
    nines = max(2, math.ceil(-math.log10(1 - highest) - 1e-9))
    ticks = [0.0, 0.5, *(1 - 10.0 ** -power for power in range(1, nines + 1))]

    def place(quantile: float) -> float:
        return min(1.0, -math.log10(max(1e-12, 1 - quantile)) / nines)

    return Scale(0, ticks[-1], ticks, place, lambda quantile: f"{quantile * 100:.10g}%")
