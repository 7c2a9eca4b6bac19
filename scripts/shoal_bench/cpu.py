"""CPU time of processes, as the kernel's scheduler counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Iterable, Mapping


def cpu_ns(pid: int) -> int:
    """Nanoseconds on a CPU of all threads of a process; raises OSError when it is gone."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


def children(pid: int) -> list[int]:
    listed = (Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if Path(f"/proc/{pid}").exists() else [])
    return [int(child) for child in listed]


def total_ns(groups: Mapping[str, Iterable[int]]) -> dict[str, int]:
    """The sum over each named group of processes."""
    return {name: sum(cpu_ns(pid) for pid in pids) for name, pids in groups.items()}


def per_request_us(before: Mapping[str, int], after: Mapping[str, int], requests: int) -> dict[str, float]:
    """Microseconds per request of each group."""
    if requests <= 0:
        raise ValueError("no request was answered")
    return {name: (after[name] - before[name]) / 1000 / requests for name in before}
