"""Open-loop load of every kind on a fleet while something happens to it, and what became of each request."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Iterator

from conftest import patient
from loadtest_cli import command, environment, read_record
from origin_server import Asked, Origin, Page
from shoal_cli import FleetUnderTest, Make, eventually

LONG = os.environ.get("SHOAL_LONG") == "1"
"""Set by `scripts/test --long`."""
SLOW_S = 0.4
"""What the origin takes for a slow page."""


def rounds(short: int, long: int) -> int:
    return long if LONG else short


def dice() -> random.Random:
    """Of $SHOAL_SEED if that is given; pytest shows the line when the test fails."""
    seed = int(os.environ.get("SHOAL_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SHOAL_SEED={seed}")
    return random.Random(seed)


@dataclass(frozen=True)
class Stream:
    """What one generator sends."""

    name: str
    target: str
    rate: int
    """Requests per second."""
    words: tuple[str, ...] = ()
    site: bool = False
    keys: int = 500


# 4,200 a second in all, half of what a machine of two cores did: there the limiter alone answered 8,200 and the cache
# 10,000 within 100 ms (`--find-max --slo p99=100ms`). The short form has 1,000, for machines that do less.
TIMES = float(os.environ.get("SHOAL_LOAD", "5" if LONG else "1"))
STREAMS = (
    Stream("limits", "/v1/limits/bulk/{key}", round(400 * TIMES), ("--method", "POST=3,GET=1")),
    Stream("limits, connected anew", "/v1/limits/bulk/{key}", 80, ("--method", "POST=1,GET=1", "--no-keep-alive")),
    Stream("pages", "/proof/kept/{key}", round(400 * TIMES), ("--expect-body", "/proof/kept/{key} "), site=True,
           # A worker that begins with nothing must not ask more of this origin than it can do.
           keys=50),
    Stream("pages, connected anew", "/proof/passed/{key}", 80,
           ("--method", "POST=1,GET=1", "--no-keep-alive", "--expect-body", "/proof/passed/{key} "), site=True),
    Stream("slow pages", "/proof/slow/{key}", 20,
           ("--method", "POST=1,GET=1", "--expect-body", "/proof/slow/{key} "), site=True),
)


def proven_fleet(make_fleet: Make, origin: Origin, services: dict[str, Any] | None = None) -> Iterator[FleetUnderTest]:
    """One up before these pages, two workers of each service."""
    put_pages(origin)
    fleet = make_fleet()
    # Who has no processor for a moment has many waiting then: that it may refuse some is tested elsewhere.
    config = patient(fleet, services, http={"concurrency": {"least": 4096, "most": 4096}})
    fleet.up("--workers", "2", "--config", config, "--origin", origin.url)
    yield fleet
    fleet.destroy()


def put_pages(origin: Origin) -> None:
    def answer(asked: Asked) -> Page:
        kind = asked.path.split("/")[2]
        return Page(f"{asked.path} ".encode() * 20, delay=SLOW_S if kind == "slow" else 0.0,
                    headers={"Cache-Control": "max-age=600" if kind == "kept" else "no-store"})

    origin.put("/proof/*", answer)


@dataclass(frozen=True)
class Fate:
    """Of one request. Times are Unix seconds."""

    stream: str
    method: str
    key: str
    due: float
    done: float
    how: str
    status: str
    worker: str

    @property
    def safe(self) -> bool:
        return self.method in ("GET", "HEAD")

    def __str__(self) -> str:
        return (f"{self.stream}: {self.method} {self.key} at {self.due:.3f} until {self.done:.3f}: {self.how} "
                f"{self.status} {self.worker}")


@dataclass
class Generator:
    stream: Stream
    folder: Path
    process: subprocess.Popen[str]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def fates(self) -> list[Fate]:
        said = self.process.communicate(timeout=60)[0]
        results = self.folder / "results.json"
        assert results.exists(), f"{self.stream.name}: the generator ended with {self.process.returncode}\n{said}"
        started = float(json.loads(results.read_text())["started"])
        return [Fate(self.stream.name, line["method"], line["key"], started + float(line["intended_us"]) / 1e6,
                     started + float(line["done_us"]) / 1e6, line["fate"], line["status"], line["worker"])
                for line in read_record(self.folder / "record.tsv")]


@dataclass
class Load:
    """All streams, from `with` to its end. What was still under way then counts as nothing."""

    fleet: FleetUnderTest
    streams: tuple[Stream, ...] = STREAMS
    seed: int = field(default_factory=lambda: random.SystemRandom().randrange(1 << 32))
    fates: list[Fate] = field(default_factory=list)
    _generators: list[Generator] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._folder = tempfile.TemporaryDirectory(prefix="shoal-proof-")
        print(f"load with seed {self.seed}")
        try:
            for number, stream in enumerate(self.streams):
                self._generators.append(self._start(stream, self._mark(number), Path(self._folder.name) / str(number)))
            for number, stream in enumerate(self.streams):
                eventually(lambda: self._is_sent(number), 30, f"{stream.name}: the first request")
        except BaseException:
            self._clear()
            raise
        return self

    def _mark(self, number: int) -> str:
        """What the ids of its requests begin with, in the access log too."""
        return f"{self.seed}-{number}-"

    def _start(self, stream: Stream, mark: str, folder: Path) -> Generator:
        folder.mkdir()
        port = self.fleet.site if stream.site else self.fleet.port
        words = ["--url", f"http://127.0.0.1:{port}{stream.target}", "--rate", str(stream.rate), "--duration", "30m",
                 "--keys", f"uniform:{stream.keys}", "--seed", str(self.seed), "--timeout", "10s", "--quiet",
                 "--header", f"X-Request-Id: {mark}{{n}}", "--json", folder / "results.json",
                 "--record", folder / "record.tsv", *stream.words]
        return Generator(stream, folder, subprocess.Popen(
            command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=environment()))

    def _is_sent(self, number: int) -> bool:
        process = self._generators[number].process
        assert process.poll() is None, f"the generator has ended: {process.communicate()[0]}"
        return f" {self._mark(number)}" in (self.fleet.data / "logs" / "access.log").read_text("utf-8", "replace")

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        for generator in self._generators:
            generator.end()
        try:
            # What went wrong inside is told before what follows from it.
            for generator in self._generators if value is None else ():
                self.fates += generator.fates()
        finally:
            self._clear()

    def _clear(self) -> None:
        for generator in self._generators:
            generator.process.kill()
            generator.process.communicate()
        self._folder.cleanup()

    def cut_answers(self) -> set[str]:
        """The requests whose server ended after it had begun with its answer (SD in the access log)."""
        log = (self.fleet.data / "logs" / "access.log").read_text("utf-8", "replace")
        return set(re.findall(r' SD-- .*"(.*) HTTP/1\.1"$', log, re.MULTILINE))

    def line_of(self, fate: Fate) -> str:
        target = next(stream.target for stream in self.streams if stream.name == fate.stream)
        return f"{fate.method} {target.replace('{key}', fate.key)}"

    @property
    def lost(self) -> list[Fate]:
        return [fate for fate in self.fates if fate.how not in ("ok", "stopped", "stopped_unsent")]

    def require(self, may_be_lost: Callable[[Fate], bool] = lambda fate: False) -> None:
        """That nothing else was lost."""
        wrong = [fate for fate in self.lost if not may_be_lost(fate)]
        assert not wrong, f"{len(wrong)} of {len(self.fates)} requests lost:\n" + "\n".join(map(str, wrong[:30]))
        for stream in self.streams:
            assert any(fate.stream == stream.name for fate in self.fates), f"{stream.name}: nothing was sent"


def written_at(moments: list[float], load: Load) -> Callable[[Fate], bool]:
    """Writes that were under way at one of those moments; what is read, only if it was at two: HAProxy does not try
    for ever; or if its answer had begun, which nobody can take back. HAProxy learns a little later of an end."""
    print("killed at", ", ".join(f"{moment:.3f}" for moment in moments))
    begun = load.cut_answers()

    def may_be_lost(fate: Fate) -> bool:
        times = sum(fate.due <= moment + 0.2 and fate.done >= moment - 0.05 for moment in moments)
        return times > (1 if fate.safe else 0) or (times == 1 and load.line_of(fate) in begun)

    return may_be_lost


def under_way_at(moments: list[tuple[float, float]]) -> Callable[[Fate], bool]:
    """Whatever was under way in one of those intervals."""
    return lambda fate: any(fate.due <= until and fate.done >= since for since, until in moments)


def whole(fleet: FleetUnderTest, seconds: float = 30) -> None:
    """Waits until every worker serves and everybody else runs."""
    def found() -> bool:
        seen = fleet.status()
        return all(entry["state"] in ("serving", "drained", "running") for entry in seen["workers"] + seen["others"])

    eventually(found, seconds, "all of the fleet runs")


def reload_haproxy(fleet: FleetUnderTest) -> None:
    """A signal that comes while its master is at the reload before may be lost."""
    before, told = _balancing(fleet), 0.0

    def reloaded() -> bool:
        nonlocal told
        if time.monotonic() - told > 2:
            os.kill(int(fleet.other("haproxy")["pid"]), signal.SIGUSR2)
            told = time.monotonic()
        return _balancing(fleet) != before

    eventually(reloaded, 20, "another process of HAProxy's answers")


def _balancing(fleet: FleetUnderTest) -> str:
    return fleet.haproxy("show info").partition("\nPid: ")[2].split()[0]


def row(fleet: FleetUnderTest, backend: str, worker: str) -> dict[str, Any]:
    """What HAProxy says of a server."""
    lines = fleet.haproxy("show stat").splitlines()
    names = lines[0].lstrip("# ").split(",")
    found = (dict(zip(names, line.split(","))) for line in lines[1:])
    return next(one for one in found if (one.get("pxname"), one.get("svname")) == (backend, worker))
