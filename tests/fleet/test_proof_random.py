"""A random sequence of all that operators do and all that breaks, often both at once: the limiter never admits one too
many, the cache never serves what was purged, and in the end all is as it should be."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from http.client import HTTPException
from typing import Callable, Iterator

import pytest

from cache_client import ask, purge, url
from origin_server import Asked, Origin, Page
from proof import STREAMS, Load, Stream, dice, put_pages, rounds, whole
from redis_trouble import TROUBLES
from shoal_cli import FleetUnderTest, Make, eventually

pytestmark = pytest.mark.alone

SECONDS = rounds(25, 600)
LOSSES = rounds(1, 10)
"""How often Redis may lose its data: each loss may admit another burst."""
RATE, BURST = 40, 20
RULES = [{"name": "bulk", "limit": 100000, "period": "1s"},
         {"name": "steady", "limit": RATE, "period": "1s", "burst": BURST}]
RIGHT_OR_REFUSED = ("--expect-status", "200-599")
BOUNDED = (
    Stream("bounded", "/v1/limits/steady/{key}", 200,
           ("--method", "POST", "--expect-status", "200,429",
            "--check-admissions", f"{RATE}/1s+{BURST * (1 + LOSSES)}"), keys=3),
    Stream("versions", "/race/{key}", 60, ("--check-fresh", "version "), site=True, keys=6),
)
# An invariant is broken, or something was answered that nobody has said.
NEVER = {"over_admitted", "stale", "wrong_body", "malformed"}

Action = Callable[[FleetUnderTest, random.Random], None]


@pytest.fixture
def fleet(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    put_pages(origin)
    found = make_fleet()
    file = found.home.parent / "random.json"
    file.write_text(json.dumps({"redis": {"command_timeout": "1s"}, "services": {"limiter": {"rules": RULES}}}))
    found.up("--workers", "2", "--config", str(file), "--origin", origin.url)
    yield found
    found.destroy()


def killed(name: str) -> Action:
    def kill(fleet: FleetUnderTest, dice: random.Random) -> None:
        pid = fleet.other(name)["pid"]
        if pid is not None:
            signalled(int(pid), signal.SIGKILL)
    return kill


def signalled(pid: int, which: signal.Signals) -> None:
    try:
        os.kill(pid, which)
    except ProcessLookupError:
        pass


def worker(which: signal.Signals) -> Action:
    def send(fleet: FleetUnderTest, dice: random.Random) -> None:
        pids = [pid for pid in fleet.pids().values() if pid is not None]
        if pids:
            signalled(dice.choice(pids), which)
    return send


def trouble(name: str) -> Action:
    def make(fleet: FleetUnderTest, dice: random.Random) -> None:
        TROUBLES[name].begin(fleet)
        time.sleep(dice.uniform(0.1, 1.5))
        TROUBLES[name].end(fleet)
    return make


def reload_haproxy(fleet: FleetUnderTest, dice: random.Random) -> None:
    pid = fleet.other("haproxy")["pid"]
    # HAProxy's master ends by it as long as it has not begun.
    if pid is not None and fleet.other("haproxy")["uptime_s"] > 1:
        signalled(int(pid), signal.SIGUSR2)


FAULTS: dict[str, Action] = {
    **{f"kill {name}": killed(name) for name in ("supervisord", "haproxy", "redis-state", "redis-l2", "keeper")},
    "kill a worker": worker(signal.SIGKILL),
    "stop a worker": worker(signal.SIGSTOP),
    **{f"Redis: {name}": trouble(name) for name in TROUBLES if not TROUBLES[name].loses},
    "reload HAProxy": reload_haproxy,
}
LOSING: dict[str, Action] = {f"Redis: {name}": trouble(name) for name in TROUBLES if TROUBLES[name].loses}


def commands(dice: random.Random) -> list[str]:
    return dice.choice((
        ["scale", dice.choice(("limiter", "cache")), str(dice.randint(1, 4))], ["restart", "limiter"], ["restart"],
        ["drain", f"limiter-{dice.randint(1, 4)}"], ["undrain", f"limiter-{dice.randint(1, 4)}"], ["reload"], ["up"]))


class Purging:
    """Of six pages whose versions only grow. Who asks after a purge was answered sees what is new."""

    def __init__(self, fleet: FleetUnderTest, origin: Origin, seed: int) -> None:
        self._fleet, self._dice, self._stop = fleet, random.Random(seed), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.version: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        origin.put("/race/*", self._answer)

    def _answer(self, asked: Asked) -> Page:
        return Page(f"version {self.version[asked.path]} ".encode(), delay=self._dice.choice((0, 0, 0.05)),
                    headers={"Cache-Control": "max-age=600", "Surrogate-Key": asked.path.removeprefix("/")})

    def __enter__(self) -> "Purging":
        self._thread.start()
        return self

    def __exit__(self, *why: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.wait(self._dice.uniform(0.02, 0.1)):
            path = f"/race/key-{self._dice.randint(1, 6)}"
            self.version[path] += 1
            try:
                purge(self._fleet, **self._dice.choice(({"tags": [path[1:]]}, {"urls": [url(self._fleet, path)]})))
            except (OSError, HTTPException, AssertionError):
                self.done["not purged"] += 1
                continue
            self.done["purged"] += 1
            self._look(path, self.version[path])

    def _look(self, path: str, least: int) -> None:
        try:
            status, headers, body = ask(self._fleet, path)
        except (OSError, HTTPException):
            return
        if status == 200 and int(body.split()[1]) < least:
            self.wrong.append(f"{path}: {body!r} after a purge at {least}: {headers['cache-status']}")


def step(fleet: FleetUnderTest, dice: random.Random, fault: tuple[str, Action] | None) -> None:
    """A command, a fault, or a fault in the middle of a command; then whatever was left half done is finished."""
    line = commands(dice) if fault is None or dice.random() < 0.5 else None
    print(f"{time.time():.3f} {line} {fault and fault[0]}")
    codes: list[int] = []
    caller = threading.Thread(target=lambda: codes.append(call(fleet, line) if line else 0))
    caller.start()
    if fault is not None:
        time.sleep(dice.uniform(0, 0.8))
        fault[1](fleet, dice)
    caller.join()
    time.sleep(dice.uniform(0, 0.5))
    if codes[0] != 0:
        eventually(lambda: call(fleet, ["up"]) == 0, 60, "'up' puts it right")


def call(fleet: FleetUnderTest, line: list[str]) -> int:
    done = fleet.try_run(*line)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1, 3, 4), (line, done)
    if done.returncode:
        print(f"  {' '.join(line)}: {done.returncode} {done.stderr}")
    return done.returncode


def test_whatever_happens_the_promises_hold(fleet: FleetUnderTest, origin: Origin) -> None:
    dices = dice()
    losses = [(dices.uniform(0.2, 0.9) * SECONDS, name) for name in dices.choices(sorted(LOSING), k=LOSSES)]
    others = tuple(dataclasses.replace(stream, words=(*stream.words, *RIGHT_OR_REFUSED)) for stream in STREAMS[:2])
    with Load(fleet, (*BOUNDED, *others), seed=dices.randrange(1 << 32)) as load, \
            Purging(fleet, origin, dices.randrange(1 << 32)) as purging:
        started = time.monotonic()
        while (passed := time.monotonic() - started) < SECONDS:
            if losses and min(losses)[0] < passed:
                name = losses.pop(losses.index(min(losses)))[1]
                step(fleet, dices, (name, LOSING[name]))
            else:
                name = dices.choice(sorted(FAULTS))
                step(fleet, dices, (name, FAULTS[name]) if dices.random() < 0.8 else None)
        for name in ("limiter-1", "limiter-2"):
            call(fleet, ["undrain", name])
        call(fleet, ["up"])
        whole(fleet, 60)
    print(Counter((fate.stream, fate.how) for fate in load.fates), purging.done)
    load.require(lambda fate: fate.how not in NEVER)
    assert purging.wrong == []
    assert purging.done["purged"] > 20
    assert sum(fate.how == "ok" for fate in load.fates) > len(load.fates) / 2
    eventually(lambda: "nothing is wrong" in fleet.try_run("doctor").stdout, 30, "nothing is wrong")
