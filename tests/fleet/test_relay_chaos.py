"""Writers, readers, and everything that can be killed or stopped at any time: who names a write never sees what was
before it, and once it is quiet, what is kept is what the database has. An hour of it:
SHOAL_CHAOS=3600 pytest tests/fleet/test_relay_chaos.py"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time

import pytest

from cache_client import ask
from conftest import patient
from postgres_server import PostgresServer
from proof import dice
from shoal_cli import FleetUnderTest, Make, eventually
from shop_life import CACHES, CONFIGURED, ENTRIES, PAGES, SCHEMA, Life, entry, entry_by_sql
from sql_site import RULES, Shop, shop
from written_views import VIEWS

pytestmark = pytest.mark.alone
SECONDS = float(os.environ.get("SHOAL_CHAOS", "15"))


def victims(fleet: FleetUnderTest) -> dict[str, int]:
    found = {name: pid for name, pid in fleet.pids().items() if not name.startswith("limiter") and pid}
    found["redis-state"] = fleet.other("redis-state")["pid"]
    found["redis-l2"] = fleet.other("redis-l2")["pid"]
    return {name: pid for name, pid in found.items() if pid}


def restart(server: PostgresServer, rolls: random.Random) -> None:
    how = rolls.choice(["fast", "immediate", "kill"])
    if how == "kill":
        server.kill()
        server.start()
    else:
        server.restart(how)


def end_session(server: PostgresServer, rolls: random.Random) -> None:
    """One of the relays', and nothing else."""
    found = server.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'shoal%' ORDER BY pid")
    if found:
        server.sql(f"SELECT pg_terminate_backend({rolls.choice(found)[0]})")


def lock(server: PostgresServer, rolls: random.Random) -> None:
    """For as long as the dice say, nobody reads one of the tables."""
    table, seconds = rolls.choice(["product", "category"]), rolls.uniform(0, 1)
    server.sql(f"BEGIN; LOCK TABLE {table}; SELECT pg_sleep({seconds}); COMMIT")


def kill_or_stop(fleet: FleetUnderTest, rolls: random.Random, stop: bool) -> None:
    name, pid = rolls.choice(sorted(victims(fleet).items()))
    print("  ", name)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP if stop else signal.SIGKILL)
        if stop:
            time.sleep(rolls.uniform(0.05, 1.5))  # how long it stands still is what the dice say
            os.kill(pid, signal.SIGCONT)


def trouble(fleet: FleetUnderTest, server: PostgresServer, rolls: random.Random) -> None:
    what = rolls.choice(["restart", "end a session", "lock", "kill", "kill", "stop", "stop", "stop"])
    print(what)
    if what == "restart":
        restart(server, rolls)
    elif what == "end a session":
        end_session(server, rolls)
    elif what == "lock":
        lock(server, rolls)
    else:
        kill_or_stop(fleet, rolls, what == "stop")


def everything_is_back(fleet: FleetUnderTest) -> bool:
    status, _, body = fleet.request("GET", "/v1/views")
    states = [one["state"] for one in json.loads(body)["views"]] if status == 200 else []
    return states == ["ready"] * len(CONFIGURED) and fleet.try_run("doctor").returncode == 0


def pages_are_the_databases(fleet: FleetUnderTest, at: Shop) -> None:
    for path in PAGES:
        truth = at.truth(path)
        for way in (None, *CACHES, *CACHES):
            status, headers, body = ask(fleet, path, way)
            assert (status, body.decode()) == (200, truth), (path, way, headers)


def views_are_the_databases(fleet: FleetUnderTest, at: Shop) -> None:
    for of in ENTRIES:
        truth = entry_by_sql(at, of)
        for way in (None, *VIEWS, *VIEWS):
            status, headers, body = entry(fleet, of, way)
            shown = json.loads(body) if status == 200 else None
            assert (status, shown) == (200 if truth else 404, truth), (of, way, headers, body)


def test_once_it_is_quiet_everything_kept_is_what_the_database_has(make_fleet: Make) -> None:
    rolls = dice()
    with PostgresServer() as server, shop(server) as (at, origin):
        server.sql(SCHEMA)
        fleet = make_fleet()
        site = {"name": "default", "hosts": ["*"], "origins": [origin.address], "relay_within": "500ms",
                "read_your_writes": "300ms"}
        services = {"relay": {"postgres": server.dsn, "rules": RULES, "views": CONFIGURED},
                    "cache": {"sites": [site]}, "views": {"wait": "300ms"}}
        fleet.up("--workers", "2", "--config", patient(fleet, services))
        life = Life(fleet, at, rolls)
        until = time.monotonic() + SECONDS
        with life.going_on():
            while time.monotonic() < until and not life.wrong:
                trouble(fleet, server, rolls)
                life.over.wait(rolls.uniform(0, 0.5))
        written = time.monotonic()
        assert not life.wrong
        eventually(lambda: everything_is_back(fleet), 120, "everything is back")
        eventually(lambda: time.monotonic() > written + 1, 2, "it was quiet for a second")
        pages_are_the_databases(fleet, at)
        views_are_the_databases(fleet, at)
        print({name: count for name, count in vars(life).items() if isinstance(count, int)})
        assert min(life.written, life.read) > 20 * SECONDS, (life.written, life.read)
        assert min(life.pages_after, life.entries_after) > 5 * SECONDS, (life.pages_after, life.entries_after)
