"""Whatever fails: what was committed 500 ms ago is fresh for every reader of a site that relies on the relay."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import time
from typing import Iterator

import pytest

from cache_client import ask, hold
from conftest import patient
from postgres_server import PostgresServer
from redis_trouble import redis
from relay_fleet import CACHES, RELAYS, stopped
from shoal_cli import FleetUnderTest, Make, eventually
from sql_site import RULES, Shop, shop

pytestmark = pytest.mark.alone
SOON = 0.5
"""Seconds after a COMMIT from which on nobody may see what was before, whatever one thing has failed."""


class Stage:
    def __init__(self, fleet: FleetUnderTest, shop: Shop) -> None:
        self.fleet, self.shop = fleet, shop
        self.server = shop.server
        self._names = 0

    def role(self, name: str) -> str:
        found = self._get(name, "/-/relay")
        return str(json.loads(found)["role"]) if found else ""

    def _get(self, name: str, path: str) -> str:
        """Empty of one that does not answer."""
        connection = http.client.HTTPConnection("relay")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(0.5)
        try:
            connection.sock.connect(str(self.fleet.run_folder / f"{name}.admin"))
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            return ""
        finally:
            connection.close()

    def active(self) -> str | None:
        return next((name for name in RELAYS if self.role(name) == "active"), None)

    def counted(self, name: str) -> float:
        """Of both relays."""
        pages = [self._get(relay, "/-/metrics") for relay in RELAYS]
        return sum(float(line.split()[-1]) for page in pages for line in page.splitlines() if line.startswith(name))

    def settle(self) -> None:
        """A relay has the slot, and each worker serves from what it keeps."""
        eventually(self.active, 20, "a relay has the slot")
        for path in ("/product/1", "/product/2"):
            eventually(lambda path=path: self.holds(path), 20, f"{path} is kept")

    def holds(self, path: str) -> bool:
        with contextlib.suppress(AssertionError, OSError):
            hold(self.fleet, path)
            return True
        return False

    def rename(self, number: int = 1) -> str:
        """Commits, and returns the new name."""
        self._names += 1
        name = f"name {self._names}"
        self.server.sql(f"UPDATE product SET name = '{name}' WHERE id = {number}")
        return name

    def sees(self, name: str, path: str = "/product/1") -> bool:
        """Through each worker."""
        return all(name in ask(self.fleet, path, way)[2].decode() for way in CACHES)

    def soon_sees(self, name: str) -> None:
        """From `SOON` after the commit that was just made on, for some time."""
        committed = time.monotonic()
        while time.monotonic() < committed + SOON:
            self.sees(name)  # readers that come earlier keep what they get
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            for way in CACHES:
                began = time.monotonic()
                status, _, body = ask(self.fleet, "/product/1", way)
                assert status == 200 and name in body.decode(), f"stale {began - committed:.3f} s after: {body!r}"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        yield found


@pytest.fixture(scope="module")
def shared_stage(make_fleet: Make, server: PostgresServer) -> Iterator[Stage]:
    with shop(server) as (made, origin):
        fleet = make_fleet()
        site = {"name": "default", "hosts": ["*"], "origins": [origin.address], "relay_within": "500ms"}
        services = {"relay": {"postgres": server.dsn, "rules": RULES, "wal_budget": "32mb"}, "cache": {"sites": [site]}}
        fleet.up("--workers", "2", "--config", patient(fleet, services))
        yield Stage(fleet, made)
        fleet.destroy()


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    shared_stage.settle()
    return shared_stage


def test_with_everything_well_a_read_after_100_ms_is_fresh(stage: Stage) -> None:
    for number in range(20):
        stage.holds("/product/1")
        name = stage.rename()
        committed = time.monotonic()
        while time.monotonic() < committed + 0.1:
            pass
        assert stage.sees(name), number


def test_relays_that_stand_still_leave_nothing_stale(stage: Stage) -> None:
    pids = stage.fleet.pids()
    with stage.fleet.left_alone(), stopped(*(pids[name] for name in RELAYS)):
        stage.soon_sees(stage.rename())
        status, headers, _ = ask(stage.fleet, "/product/1", "cache-1")
        assert status == 200 and "hit" not in headers["cache-status"], "nobody knows whether it is current"
    stage.settle()
    assert stage.sees(stage.shop.truth("/product/1").split("'")[1])


def test_a_killed_relay_is_followed_by_the_other_one(stage: Stage) -> None:
    before = stage.active()
    assert before
    os.kill(stage.fleet.pids()[before], signal.SIGKILL)
    stage.soon_sees(stage.rename())
    stage.settle()


def test_a_relay_that_stands_still_loses_its_slot_to_the_other_one(stage: Stage) -> None:
    before = stage.active()
    assert before
    with stage.fleet.left_alone(), stopped(stage.fleet.pids()[before]):
        stage.soon_sees(stage.rename())
        eventually(lambda: stage.active() not in (None, before), 10, "the other relay has the slot")
        stage.settle()
        name = stage.rename()
        eventually(lambda: stage.sees(name), 1, "the other relay purges")
    stage.settle()
    stage.soon_sees(stage.rename())


@pytest.mark.parametrize("how", ["flushall", "kill", "stop"])
def test_a_redis_that_lost_its_data_or_its_life_leaves_nothing_stale(stage: Stage, how: str) -> None:
    if how == "flushall":
        redis(stage.fleet, "FLUSHALL")
    elif how == "kill":
        os.kill(stage.fleet.other("redis-state")["pid"], signal.SIGKILL)
    else:
        with stage.fleet.left_alone(), stopped(stage.fleet.other("redis-state")["pid"]):
            stage.soon_sees(stage.rename())
    stage.soon_sees(stage.rename())
    stage.settle()
    stage.soon_sees(stage.rename())


def test_a_database_that_was_restarted_is_followed_on(stage: Stage) -> None:
    for mode in ("fast", "immediate"):
        assert stage.server.stop(mode) < 10, "the relay does not keep it from ending"
        stage.server.start()
        stage.soon_sees(stage.rename())
        stage.settle()
    stage.server.kill()
    stage.server.start()
    stage.soon_sees(stage.rename())


def test_a_database_ends_quickly_while_redis_is_away(stage: Stage) -> None:
    with stage.fleet.left_alone(), stopped(stage.fleet.other("redis-state")["pid"]):
        name = stage.rename()
        stage.soon_sees(name)
        assert stage.server.stop("fast") < 5
    stage.server.start()
    stage.settle()
    assert stage.sees(name)


def test_a_slot_that_keeps_more_than_its_budget_is_dropped_and_made_anew(stage: Stage) -> None:
    with stage.fleet.left_alone(), stopped(stage.fleet.other("redis-state")["pid"]):
        name = stage.rename()
        for _ in range(5):
            stage.server.sql("SELECT pg_logical_emit_message(true, 'test', repeat('x', 8000000))")
        eventually(lambda: stage.server.value("SELECT count(*) FROM pg_replication_slots") == "0", 20, "it is dropped")
        stage.soon_sees(name)
    stage.settle()
    assert stage.sees(name)
    stage.soon_sees(stage.rename())


def test_a_database_that_goes_on_in_another_timeline_voids_everything(stage: Stage) -> None:
    voided = stage.counted("shoal_relay_voided_total")
    server = stage.server
    server.stop()
    # As a standby that takes over: its history is another one from here on, whatever the old primary had.
    (server.data / "standby.signal").touch()
    server.start()
    server.sql("SELECT pg_promote()")
    assert server.value("SELECT pg_is_in_recovery()") == "f"
    stage.soon_sees(stage.rename())
    stage.settle()
    eventually(lambda: stage.counted("shoal_relay_voided_total") > voided, 10, "everything cached is void")
    stage.soon_sees(stage.rename())


def test_a_slot_that_somebody_dropped_voids_everything(stage: Stage) -> None:
    # The relay takes it again as soon as it has lost it: so it stands still meanwhile.
    pids = stage.fleet.pids()
    with stage.fleet.left_alone(), stopped(*(pids[name] for name in RELAYS)):
        stage.server.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
        eventually(lambda: stage.server.value("SELECT count(*) FROM pg_replication_slots WHERE active") == "0", 10,
                   "it is free")
        stage.server.sql("SELECT pg_drop_replication_slot('shoal')")
        name = stage.rename()
    stage.settle()
    # Until then it may be served by what was claimed before the relays stood still.
    eventually(lambda: stage.sees(name), SOON, "what was cached before is void")
    stage.soon_sees(stage.rename())
