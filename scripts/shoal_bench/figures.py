"""One line of the result, and the result as a table or as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Sequence

from .measure import Measured

_PROCESSES = ("nginx", "haproxy", "worker", "redis")
# Shown when some figure has them.
_MORE_PROCESSES = ("varnish", "postgres", "relay")


@dataclass(frozen=True)
class Figure:
    name: str
    ratio: float
    """To the reference of its table."""
    cpu_us: dict[str, float] = field(default_factory=dict)
    """Median by process, of those that count for the ratio."""
    total_us: float | None = None
    wanted: float | None = None
    """What the ratio should be at most; at least, if `at_least`."""
    at_least: bool = False
    rate: float | None = None
    from_memory: float | None = None

    @staticmethod
    def of(measured: Measured, reference: float, processes: tuple[str, ...] = (), wanted: float | None = None,
           name: str = "") -> "Figure":
        counted = processes or tuple(measured.samples[0].cpu_us)
        total = measured.cpu_us(*counted)
        return Figure(name or measured.case.name, total / reference,
                      {process: measured.cpu_us(process) for process in counted}, total, wanted,
                      rate=measured.rate, from_memory=measured.from_memory)

    @property
    def met(self) -> bool | None:
        if self.wanted is None:
            return None
        return self.ratio >= self.wanted if self.at_least else self.ratio <= self.wanted

    def cells(self, processes: Sequence[str]) -> list[str]:
        decimals = 1 if self.wanted is None or round(self.wanted, 1) == self.wanted else 2
        wanted = "" if self.wanted is None else f"{'>=' if self.at_least else '<='} {self.wanted:.{decimals}f} x"
        return [
            self.name,
            *(f"{self.cpu_us[name]:.1f}" if name in self.cpu_us else "" for name in processes),
            "" if self.total_us is None else f"{self.total_us:.1f}",
            f"{self.ratio:.2f} x",
            wanted,
            {None: "", True: "yes", False: "NO"}[self.met],
            "" if self.from_memory is None else f"{self.from_memory * 100:.0f}%",
            "" if self.rate is None else f"{self.rate:,.0f}",
        ]

    def document(self) -> dict[str, Any]:
        """For JSON: nanoseconds are the last digits that mean anything."""
        found = {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return {**found, "cpu_us": {name: round(value, 3) for name, value in self.cpu_us.items()}, "met": self.met}


def table(title: str, ratio_to: str, figures: Sequence[Figure]) -> str:
    """Names to the left, numbers to the right."""
    processes = [*_PROCESSES, *(name for name in _MORE_PROCESSES if any(name in one.cpu_us for one in figures))]
    lines = [[title, *processes, "all", ratio_to, "wanted", "met", "memory", "requests/s"]]
    lines += [figure.cells(processes) for figure in figures]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width
                                                             in zip(line[1:], widths[1:]))]).rstrip() for line in lines)
