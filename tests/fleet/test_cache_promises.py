"""What was purged is gone wherever it was kept, at once, and nothing brings it back."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from http.client import HTTPException
from typing import Iterator

import pytest

from cache_client import ask, is_hit, purge, url
from conftest import before, patient
from origin_server import Asked, Origin, Page
from shoal_cli import FleetUnderTest, Make, eventually

WORKERS = ("cache-1", "cache-2", "cache-3")
WAYS: tuple[str | None, ...] = (None, *WORKERS)
"""Through HAProxy, and at each worker."""


@pytest.fixture(scope="module")
def several(make_fleet: Make, origin: Origin, routing: str) -> Iterator[FleetUnderTest]:
    yield from before(make_fleet(), origin.url, routing, workers=3)


class Versions:
    """Pages below a path that say their version, with an ETag that does, too."""

    def __init__(self, origin: Origin, below: str, **headers: str) -> None:
        self.version: Counter[str] = Counter()
        self.headers = {"Cache-Control": "max-age=600"} | headers
        origin.put(f"{below}*", self.answer)

    def answer(self, asked: Asked) -> Page:
        version = self.version[asked.path]
        return Page(f"version {version}".encode(), headers={"ETag": f'"{version}"'} | self.headers)


def version_in(body: bytes) -> int:
    return int(body.split()[1])


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
@pytest.mark.parametrize("named", ["url", "tag", "site", "all"])
def test_a_purge_reaches_every_worker_before_it_is_answered(several: FleetUnderTest, origin: Origin, named: str,
                                                            soft: bool) -> None:
    path = f"/held/{named}/{soft}"
    pages = Versions(origin, path, **{"Surrogate-Key": f"key-{named} other"})
    for worker in WORKERS:
        ask(several, path, worker)
        assert is_hit(ask(several, path, worker)), worker
    asked = origin.count(path)
    assert {ask(several, path, way)[2] for way in WAYS} == {b"version 0"}
    assert origin.count(path) == asked, "each of them holds it"
    for version in (1, 2):
        pages.version[path] = version
        what = {"url": {"urls": [url(several, path)]}, "tag": {"tags": [f"key-{named}"]},
                "site": {"sites": ["default"]}, "all": {"all": True}}[named]
        done = purge(several, **what, soft=soft)
        assert sorted(done["confirmed"]) == list(WORKERS) and done["fenced"] == []
        answers = {way: ask(several, path, way)[2] for way in WAYS * 2}
        assert set(answers.values()) == {f"version {version}".encode()}, answers


def test_a_purge_leaves_others_alone(several: FleetUnderTest, origin: Origin) -> None:
    for name in ("a", "b"):
        Versions(origin, f"/alone/{name}", **{"Surrogate-Key": f"alone-{name}"})
        for way in WAYS * 2:
            ask(several, f"/alone/{name}", way)
    asked = origin.count("/alone/b")
    purge(several, tags=["alone-a"])
    purge(several, urls=[url(several, "/alone/a"), url(several, "/alone/b/c")])
    assert all(is_hit(ask(several, "/alone/b", way)) for way in WAYS)
    assert origin.count("/alone/b") == asked


def test_a_soft_purge_may_be_served_until_the_new_one_is_there(several: FleetUnderTest, origin: Origin) -> None:
    path = "/softly"
    pages = Versions(origin, path, **{"Cache-Control": "max-age=600, stale-while-revalidate=60"})
    assert {ask(several, path, way)[2] for way in WAYS * 2} == {b"version 0"}
    pages.version[path] = 1
    purge(several, urls=[url(several, path)], soft=True)
    assert {ask(several, path, worker)[2] for worker in WORKERS} <= {b"version 0", b"version 1"}
    eventually(lambda: {ask(several, path, way)[2] for way in WAYS} == {b"version 1"}, 10, "the new one everywhere")
    pages.version[path] = 2
    purge(several, urls=[url(several, path)], soft=False)
    assert {ask(several, path, way)[2] for way in WAYS} == {b"version 2"}, "a hard one leaves nothing to serve"


def test_an_answer_that_was_on_its_way_when_it_was_purged_is_not_kept(several: FleetUnderTest, origin: Origin) -> None:
    """The origin has made the old page, and sends it only after the purge was answered."""
    path, gate = "/late", threading.Event()
    origin.put(path, Page(b"version 0", headers={"Cache-Control": "max-age=600"}, gate=gate))
    got: list[bytes] = []
    clients = [threading.Thread(target=lambda w=worker: got.append(ask(several, path, w)[2])) for worker in WORKERS]
    for client in clients:
        client.start()
    origin.wait_for(path)
    old = origin.count(path)
    origin.page(path, "version 1", cache_control="max-age=600")
    purge(several, urls=[url(several, path)])
    fresh: list[bytes] = []
    late = threading.Thread(target=lambda: fresh.append(ask(several, path, WORKERS[0])[2]))
    late.start()
    # Who asks after the purge does not wait for what was asked before it, or does not take it.
    eventually(lambda: origin.count(path) > old or late.is_alive(), 5, "it is asked")
    gate.set()
    for client in (*clients, late):
        client.join(10)
    assert fresh == [b"version 1"]
    assert {ask(several, path, way)[2] for way in WAYS * 2} == {b"version 1"}


def may_be_stale(path: str) -> bool:
    """Of these pages what is stale by time may be served; a soft purge would not have to be seen at once."""
    return path[-1] in "02468"


class Race:
    """Readers and purgers of a few pages whose versions only grow."""

    def __init__(self, fleet: FleetUnderTest, origin: Origin, seed: int) -> None:
        self.fleet, self.random, self.stop = fleet, random.Random(seed), threading.Event()
        self.paths = [f"/race/{number}" for number in range(12)]
        self.version: Counter[str] = Counter()
        self.floor: Counter[str] = Counter()
        """What was the version before a purge that has been acknowledged."""
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()
        self.filler = b"." * 60_000
        origin.put("/race/*", self.answer)

    def answer(self, asked: Asked) -> Page:
        version = self.version[asked.path]
        life = self.random.choice(("max-age=600", "max-age=1"))
        if may_be_stale(asked.path):
            life += ", stale-while-revalidate=1"
        return Page(b"version %d " % version + self.filler, delay=self.random.choice((0, 0, 0.01, 0.05, 0.2)),
                    headers={"Cache-Control": life, "ETag": f'"{version}"',
                             "Surrogate-Key": asked.path.removeprefix("/")})

    def read(self) -> None:
        while not self.stop.is_set():
            path, way = self.random.choice(self.paths), self.random.choice(WAYS)
            floor = self.floor[path]
            try:
                status, headers, body = ask(self.fleet, path, way)
            except (OSError, HTTPException):
                self.seen["broken"] += 1
                continue
            if status != 200:
                self.seen[str(status)] += 1
                continue
            told = headers["cache-status"]
            self.seen["hit" if "; hit" in told else "collapsed" if "collapsed" in told else "fetched"] += 1
            if version_in(body) < floor:
                self.wrong.append(f"{path} at {way}: version {version_in(body)} after a purge at {floor}: {told}")

    def purge(self, paths: list[str]) -> None:
        while not self.stop.is_set():
            path = self.random.choice(paths)
            self.version[path] += 1
            version = self.version[path]
            named = self.random.choice(({"tags": [path.removeprefix("/")]}, {"urls": [url(self.fleet, path)]}))
            try:
                done = purge(self.fleet, **named, soft=not may_be_stale(path) and self.random.random() < 0.5)
            except (OSError, HTTPException, AssertionError):
                self.seen["not purged"] += 1
                continue
            self.floor[path] = version
            self.seen["fenced" if done["fenced"] else "purged"] += 1
            self.stop.wait(self.random.uniform(0, 0.1))

    def disturb(self, seconds: float) -> None:
        """Kills one worker and stops another for longer than its lease, both at points of time drawn."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.stop.wait(self.random.uniform(0.2, 0.8))
            names = self.random.sample(WORKERS, 2)
            pids = self.fleet.pids()
            os.kill(pids[names[0]], signal.SIGKILL)
            os.kill(pids[names[1]], signal.SIGSTOP)
            self.stop.wait(self.random.uniform(0.3, 2))
            os.kill(pids[names[1]], signal.SIGCONT)
            eventually(lambda: self.fleet.workers()[names[0]]["state"] == "serving", 20, "the killed one is back")


def test_no_answer_is_older_than_a_purge_that_was_acknowledged(make_fleet: Make, origin: Origin) -> None:
    seed = int(os.environ.get("SHOAL_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"SHOAL_SEED={seed}")
    fleet = make_fleet()
    # Room for a few of the pages only: what is evicted comes back from the second level.
    config = patient(fleet, {"cache": {"memory": "1mb"}})
    fleet.up("--workers", "3", "--config", config, "--origin", origin.url, "--routing", "random")
    race = Race(fleet, origin, seed)
    threads = [threading.Thread(target=race.read) for _ in range(6)]
    threads += [threading.Thread(target=race.purge, args=(race.paths[half::2],)) for half in range(2)]
    for thread in threads:
        thread.start()
    try:
        race.disturb(9)
    finally:
        race.stop.set()
        for thread in threads:
            thread.join(30)
    print(dict(race.seen))
    assert race.wrong == []
    assert min(race.seen["hit"], race.seen["fetched"], race.seen["purged"]) > 10 and race.seen["fenced"], race.seen
