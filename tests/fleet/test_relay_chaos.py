"""Writers, readers, and everything that can be killed or stopped at any time: once it is quiet, what is kept is what
the database has. An hour of it: SHOAL_CHAOS=3600 pytest tests/fleet/test_relay_chaos.py"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from typing import Callable, Iterator

import psycopg2
import pytest

from cache_client import ask
from conftest import patient
from postgres_server import PostgresServer
from proof import dice
from shoal_cli import FleetUnderTest, Make, eventually
from sql_site import RULES, Shop, shop

pytestmark = pytest.mark.alone
SECONDS = float(os.environ.get("SHOAL_CHAOS", "15"))
CACHES = ("cache-1", "cache-2")
PATHS = [f"/product/{n}" for n in range(1, 31)] + [f"/category/{n}" for n in range(1, 11)]


class Life:
    """Threads that go on until the test has seen enough."""

    def __init__(self, fleet: FleetUnderTest, at: Shop, rolls: random.Random) -> None:
        self.fleet, self.shop, self.rolls = fleet, at, rolls
        self.over = threading.Event()
        self.written = self.read = 0

    def write(self, seed: int) -> None:
        rolls = random.Random(seed)
        while not self.over.is_set():
            with contextlib.suppress(psycopg2.Error):
                number = rolls.randint(1, 30)
                if rolls.random() < 0.3:
                    self.shop.ask("UPDATE product SET category_id = %s WHERE id = %s", rolls.randint(1, 10), number)
                else:
                    self.shop.ask("UPDATE product SET name = %s WHERE id = %s", f"{seed} {self.written}", number)
                self.written += 1
            self.over.wait(0.005)

    def visit(self, seed: int) -> None:
        rolls = random.Random(seed)
        while not self.over.is_set():
            with contextlib.suppress(OSError):
                self.read += ask(self.fleet, rolls.choice(PATHS), rolls.choice((None, *CACHES)), timeout=5)[0] == 200

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        jobs: list[Callable[[int], None]] = [self.write, self.write, self.visit, self.visit]
        threads = [threading.Thread(target=job, args=(self.rolls.randrange(1 << 30),)) for job in jobs]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            self.over.set()
            for each in threads:
                each.join()


def victims(fleet: FleetUnderTest) -> dict[str, int]:
    found = {name: pid for name, pid in fleet.pids().items() if not name.startswith("limiter") and pid}
    found["redis-state"] = fleet.other("redis-state")["pid"]
    found["redis-l2"] = fleet.other("redis-l2")["pid"]
    return {name: pid for name, pid in found.items() if pid}


def trouble(fleet: FleetUnderTest, server: PostgresServer, rolls: random.Random) -> None:
    what = rolls.choice(["database", "kill", "kill", "stop", "stop", "stop"])
    if what == "database":
        how = rolls.choice([server.restart, lambda: server.restart("immediate"),
                            lambda: (server.kill(), server.start())])
        how()
        return
    name, pid = rolls.choice(sorted(victims(fleet).items()))
    print(what, name)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL if what == "kill" else signal.SIGSTOP)
        if what == "stop":
            time.sleep(rolls.uniform(0.05, 1.5))  # how long it stands still is what the dice say
            os.kill(pid, signal.SIGCONT)


def test_once_it_is_quiet_everything_kept_is_what_the_database_has(make_fleet: Make) -> None:
    rolls = dice()
    with PostgresServer() as server, shop(server) as (at, origin):
        fleet = make_fleet()
        site = {"name": "default", "hosts": ["*"], "origins": [origin.address], "relay_within": "500ms"}
        services = {"relay": {"postgres": server.dsn, "rules": RULES}, "cache": {"sites": [site]}}
        fleet.up("--workers", "2", "--config", patient(fleet, services))
        life = Life(fleet, at, rolls)
        until = time.monotonic() + SECONDS
        with life.going_on():
            while time.monotonic() < until:
                trouble(fleet, server, rolls)
                life.over.wait(rolls.uniform(0, 0.5))
        written = time.monotonic()
        eventually(lambda: fleet.try_run("doctor").returncode == 0, 60, "everything is back")
        eventually(lambda: time.monotonic() > written + 1, 2, "it was quiet for a second")
        for path in PATHS:
            truth = at.truth(path)
            for way in (None, *CACHES, *CACHES):
                status, headers, body = ask(fleet, path, way)
                assert (status, body.decode()) == (200, truth), (path, way, headers)
        assert life.written > 20 * SECONDS and life.read > 20 * SECONDS, (life.written, life.read)
