"""One case under load: CPU time by process, and by whom the worker says it was decided."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Sequence

from . import cpu, wrk
from .servers import Server, ask

_DECISIONS = re.compile(r'^shoal_(?:limiter_decisions|cache_requests)_total\{(.*)\} (\S+)$', re.MULTILINE)
_BY = re.compile(r'(?:^|,)(?:by|result)="([a-z0-9]+)"')


@dataclass(frozen=True)
class Case:
    """A kind of request to one of the servers."""

    name: str
    server: Server
    script: str
    """Of wrk."""
    path: str = "/"
    refused: bool = False
    """Whether answers that are not 2xx are what is wanted."""
    threads: int = 1
    """Of wrk, each with all the connections."""
    connections: int | None = None
    """When not the bench's own."""


@dataclass(frozen=True)
class Sample:
    requests: int
    rate: float
    cpu_us: dict[str, float]
    """Per request, by what the processes are called."""
    from_memory: float | None
    """The part of the requests that made no call to Redis; None when no worker was asked."""


@dataclass
class Measured:
    case: Case
    samples: list[Sample] = field(default_factory=list)

    def cpu_us(self, *processes: str) -> float:
        """Median over the rounds; of all its processes when none is named."""
        return statistics.median(sum(value for name, value in sample.cpu_us.items()
                                     if not processes or name in processes) for sample in self.samples)

    @property
    def rate(self) -> float:
        return statistics.median(sample.rate for sample in self.samples)

    @property
    def from_memory(self) -> float | None:
        known = [sample.from_memory for sample in self.samples if sample.from_memory is not None]
        return statistics.median(known) if known else None


class Bench:
    def __init__(self, folder: Path, seconds: int, connections: int, say: Callable[[str], None],
                 core: int | None = None) -> None:
        self._script = folder / "load.lua"
        self._seconds, self._connections, self._say, self._core = seconds, connections, say, core

    def load(self, url: str, script: str, seconds: int, threads: int = 1, connections: int | None = None) -> wrk.Load:
        self._script.write_text(script)
        return wrk.run(url, connections or self._connections, seconds, self._script, threads, self._core)

    def rounds(self, cases: Sequence[Case], rounds: int) -> list[Measured]:
        """Every case once, then every case again: what changes on the machine meets them all alike."""
        found = [Measured(case) for case in cases]
        for number in range(rounds):
            for one in found:
                self._say(f"round {number + 1} of {rounds}: {one.case.name}")
                one.samples.append(self.sample(one.case))
        return found

    def sample(self, case: Case) -> Sample:
        url = case.server.url + case.path
        self.load(url, case.script, 1, case.threads, case.connections)
        before, made = cpu.total_ns(case.server.processes), decided(case.server)
        load = self.load(url, case.script, self._seconds, case.threads, case.connections)
        after, made_after = cpu.total_ns(case.server.processes), decided(case.server)
        if not case.refused and load.failed > load.requests // 1000:
            raise RuntimeError(f"{case.name}: {load.failed} of {load.requests} requests failed")
        if case.refused and load.failed < load.requests * 0.9:
            raise RuntimeError(f"{case.name}: only {load.failed} of {load.requests} requests were refused")
        return Sample(load.requests, load.rate, cpu.per_request_us(before, after, load.requests),
                      share(made, made_after))


def decisions(metrics: str) -> dict[str, float]:
    """How many were made by memory, redis and policy, or answered as l1, l2 and so on, from a worker's metrics."""
    found: dict[str, float] = {}
    for labels, value in _DECISIONS.findall(metrics):
        by = _BY.search(labels)
        name = by[1] if by else ""
        found[name] = found.get(name, 0) + float(value)
    return found


def share(before: dict[str, float], after: dict[str, float]) -> float | None:
    """The part of the requests between two readings that was answered from memory."""
    made = {by: after[by] - before.get(by, 0) for by in after}
    total = sum(made.values())
    return (made.get("memory", 0) + made.get("l1", 0)) / total if total > 0 else None


def decided(server: Server) -> dict[str, float]:
    return decisions(ask(server.admin, "/-/metrics")[1]) if server.admin else {}
