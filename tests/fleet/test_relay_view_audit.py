"""The auditor of views finds what was changed in Redis behind the relay's back, mends it, and finds nothing else."""

from __future__ import annotations

import json
import threading
from typing import Any, Iterator

import pytest

from conftest import patient
from postgres_server import PostgresServer
from proof import dice
from redis_trouble import redis
from relay_fleet import RELAYS
from shoal_cli import FleetUnderTest, Make, eventually
from test_relay_views import SCHEMA, VIEWS, document, entry, kept, states


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        found.sql(SCHEMA)
        yield found


@pytest.fixture(scope="module")
def audited(make_fleet: Make, server: PostgresServer) -> Iterator[FleetUnderTest]:
    fleet = make_fleet()
    relay = {"postgres": server.dsn, "rules": [], "views": VIEWS, "audit": {"per_second": 2000}}
    fleet.up("--workers", "1", "--config", patient(fleet, {"relay": relay}))
    eventually(lambda: states(fleet) == {"product": "ready", "prices": "ready"}, 20, "all views are ready")
    yield fleet
    fleet.destroy()


def audit(fleet: FleetUnderTest) -> dict[str, Any]:
    return dict(fleet.private(RELAYS[0], "/-/relay/audit"))


def test_what_was_changed_behind_its_back_is_found_and_mended(audited: FleetUnderTest, server: PostgresServer) -> None:
    eventually(lambda: "sweep" in audit(audited), 30, "it has been through everything")
    assert audit(audited)["inconsistent"] == 0
    for number, (view, key, command) in enumerate([
            ("product", "8", ("SET", '{"name": "wrong"}')), ("product", "9", ("DEL",)),
            ("prices", "2", ("ZADD", "99999", "1")), ("prices", "3", ("ZREM", "2")),
            ("product", "10", ("SET", "x"))], 1):
        name, *values = command
        redis(audited, name, entry(audited, view, key), *values)
        eventually(lambda: audit(audited)["inconsistent"] == number, 20, f"{command} is found")
        assert audit(audited)["last"]["what"] == f"{view}/{key}"
        eventually(lambda: kept(audited, server), 5, f"{command} is mended")
    assert document(audited, "8")["name"] == "product 8"
    found = json.loads(audited.run("relay", "audit", "--json").stdout)
    assert found["workers"][RELAYS[0]]["inconsistent"] == 5
    assert "prices" not in audited.run("relay", "audit").stdout and "product/10" in audited.run("relay", "audit").stdout


def test_what_changes_all_the_time_is_no_finding(audited: FleetUnderTest, server: PostgresServer) -> None:
    before, over, rolls = audit(audited), threading.Event(), dice()

    def write() -> None:
        while not over.is_set():
            server.sql("".join(f"UPDATE product SET price = {rolls.randint(1, 99)}, category_id = {rolls.randint(1, 5)} "
                               f"WHERE id = {rolls.randint(1, 2000)};\n" for _ in range(200)))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        eventually(lambda: audit(audited)["samples"] > before["samples"] + 3000, 30, "much was compared")
    finally:
        over.set()
        writer.join()
    assert audit(audited)["inconsistent"] == before["inconsistent"], audit(audited)
    eventually(lambda: kept(audited, server), 5, "the views are SQL's")
