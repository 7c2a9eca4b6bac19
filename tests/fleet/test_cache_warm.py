"""A replaced worker of the cache has in memory what the one before it had, and nothing that was purged since."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections import Counter
from typing import Iterator

import pytest

from cache_client import ask, is_hit, purge
from conftest import before
from origin_server import Asked, Origin, Page
from shoal_cli import FleetUnderTest, Make, eventually
from site_load import SiteLoad, put_pages

PAGES, PURGED = 500, 100
FEW = 3
"""Pages may share a bucket of the purge log with one that is purged: they go with it."""
WORKERS = ("cache-1", "cache-2")


class Pages:
    """/warm/N, with a tag each, that say which version they are of; only an explicit change makes another."""

    def __init__(self, origin: Origin) -> None:
        self.versions: Counter[int] = Counter()
        self.purged: set[int] = set()
        origin.put("/warm/*", self.answer)

    def body(self, number: int) -> bytes:
        return f"page {number} version {self.versions[number]}".encode()

    def answer(self, asked: Asked) -> Page:
        number = int(asked.path.rpartition("/")[2])
        return Page(self.body(number), headers={"Cache-Control": "max-age=600", "Surrogate-Key": f"page-{number}"})

    def change(self, fleet: FleetUnderTest, number: int) -> None:
        self.versions[number] += 1
        self.purged.add(number)
        purge(fleet, tags=[f"page-{number}"])


@pytest.fixture(scope="module")
def pages(origin: Origin) -> Pages:
    put_pages(origin)
    return Pages(origin)


@pytest.fixture(scope="module")
def warm(make_fleet: Make, origin: Origin, pages: Pages) -> Iterator[FleetUnderTest]:
    yield from before(make_fleet(), origin.url)


def second_level(fleet: FleetUnderTest, *command: str) -> str:
    return subprocess.run(["redis-cli", "-s", str(fleet.run_folder / "redis-l2.sock"), *command], capture_output=True,
                          text=True, check=True).stdout


def fill(fleet: FleetUnderTest) -> None:
    """Until every page is in its owner's memory, and in the second level."""
    for number in range(PAGES):
        fleet.visit(f"/warm/{number}")
    assert all(is_hit(fleet.visit(f"/warm/{number}")) for number in range(PAGES))
    eventually(lambda: len(second_level(fleet, "--scan", "--pattern", "o:*").splitlines()) >= PAGES, 20,
               "everything is in the second level")


def warmed(fleet: FleetUnderTest) -> dict[str, int]:
    """Objects that came back, by worker."""
    found = {}
    for worker in WORKERS:
        shown = ask(fleet, "/-/metrics", worker, kind="admin")[2].decode()
        [value] = re.findall(r"^shoal_cache_warmed_objects (\d+)$", shown, re.MULTILINE)
        found[worker] = int(value)
    return found


def from_second_level(fleet: FleetUnderTest) -> int:
    return int(json.loads(fleet.run("cache", "stat", "--json").stdout)["sites"]["default"]["l2"])


def from_memory(said: str) -> bool:
    return said.startswith("shoal; hit") and "detail" not in said


def visit_all(fleet: FleetUnderTest, pages: Pages) -> dict[int, str]:
    """What Cache-Status says to the first request for each; every body is that of the newest version."""
    told = {}
    for number in range(PAGES):
        status, headers, body = fleet.visit(f"/warm/{number}")
        assert (status, body) == (200, pages.body(number))
        told[number] = headers["cache-status"]
    return told


def test_a_restart_under_load_loses_nothing_from_memory(warm: FleetUnderTest, pages: Pages) -> None:
    fill(warm)
    pids = warm.pids()
    rolled = threading.Event()

    def change_pages() -> None:
        for number in range(PURGED):
            if rolled.is_set():
                return
            pages.change(warm, number)
            assert warm.visit(f"/warm/{number}")[2] == pages.body(number), "an acknowledged purge holds"

    with SiteLoad(warm.site) as load:
        eventually(lambda: load.requests > 100, 20, "load is on")
        changing = threading.Thread(target=change_pages)
        changing.start()
        eventually(lambda: len(pages.purged) > 3, 20, "purges are on")
        warm.run("restart", "cache")
        rolled.set()
        changing.join(30)
    told = visit_all(warm, pages)
    assert load.failures == []
    assert not {pids[worker] for worker in WORKERS} & set(warm.pids().values())
    print(f"{load.requests} requests, {len(pages.purged)} purged, {warmed(warm)}, {from_second_level(warm)} from there")
    assert sum(warmed(warm).values()) >= PAGES - PURGED
    missed = {number: said for number, said in told.items() if number not in pages.purged and not from_memory(said)}
    assert len(missed) <= FEW, missed
    # Of what was purged, some may have come in again while a new worker was on its way.
    assert from_second_level(warm) <= len(pages.purged) + FEW


def test_what_was_purged_while_nobody_looked_does_not_come_back(warm: FleetUnderTest, pages: Pages) -> None:
    """The records in the second level are those from before: the new worker is told of the purges by the log alone."""
    fill(warm)
    for number in range(0, PAGES, 10):
        pages.change(warm, number)
    warm.run("restart", "cache")
    told = visit_all(warm, pages)
    missed = {number for number, said in told.items() if not from_memory(said)}
    assert missed >= set(range(0, PAGES, 10))
    assert len(missed) <= len(range(0, PAGES, 10)) + FEW


def test_without_its_second_level_a_worker_comes_up_cold(warm: FleetUnderTest, pages: Pages) -> None:
    fill(warm)
    second_level(warm, "FLUSHALL")
    warm.run("restart", "cache")
    assert warmed(warm) == {worker: 0 for worker in WORKERS}
    assert all("; hit" not in said for said in visit_all(warm, pages).values())


def test_after_a_worker_that_died_the_next_one_begins_empty(warm: FleetUnderTest, pages: Pages) -> None:
    fill(warm)
    victim = warm.pids()["cache-1"]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: warm.workers()["cache-1"]["state"] == "serving" and warm.pids()["cache-1"] != victim, 20,
               "it is back")
    assert warmed(warm)["cache-1"] == 0
    assert "nobody has the place: memory begins empty" in warm.run("logs", "cache-1").stdout
    visit_all(warm, pages)
