"""The relay: what a database's transactions change is fresh for every reader, and nobody purges."""

from __future__ import annotations

from typing import Iterator

import pytest

from cache_client import hold
from conftest import patient
from origin_server import Origin
from postgres_server import PostgresServer
from shoal_cli import FleetUnderTest, Make, eventually
from sql_site import RULES, Shop, shop

WORKERS = ("cache-1", "cache-2")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        yield found


@pytest.fixture(scope="module")
def stage(server: PostgresServer) -> Iterator[tuple[Shop, Origin]]:
    with shop(server) as found:
        yield found


@pytest.fixture(scope="module")
def relayed(make_fleet: Make, server: PostgresServer, stage: tuple[Shop, Origin],
            routing: str) -> Iterator[FleetUnderTest]:
    fleet = make_fleet()
    services = {"relay": {"postgres": server.dsn, "rules": RULES}}
    fleet.up("--workers", "2", "--config", patient(fleet, services), "--origin", stage[1].url, "--routing", routing)
    eventually(lambda: active(fleet), 10, "a relay has the slot")
    yield fleet
    fleet.destroy()


def active(fleet: FleetUnderTest) -> str | None:
    """The relay that has the slot."""
    for name in ("relay-1", "relay-2"):
        if fleet.private(name, "/-/relay")["role"] == "active":
            return name
    return None


def fresh(fleet: FleetUnderTest, shop: Shop, path: str) -> bool:
    return fleet.visit(path)[2].decode() == shop.truth(path)


def test_a_commit_of_anybody_is_fresh_for_every_reader(relayed: FleetUnderTest, stage: tuple[Shop, Origin]) -> None:
    at, _ = stage
    paths = ["/product/1", "/product/2", "/category/2", "/category/3"]
    for path in paths:
        hold(relayed, path)
        assert fresh(relayed, at, path)
    at.server.sql("UPDATE product SET name = 'renamed' WHERE id = 1")
    eventually(lambda: fresh(relayed, at, "/product/1") and fresh(relayed, at, "/category/2"), 1,
               "what was changed is fresh")
    assert "hit" in relayed.visit("/product/2")[1]["cache-status"], "what was not changed is still kept"


def test_what_was_cached_under_other_rules_is_void(relayed: FleetUnderTest, stage: tuple[Shop, Origin]) -> None:
    at, origin = stage
    hold(relayed, "/product/7")
    before = origin.count("/product/7")
    rules = [*RULES, {"table": "product", "tags": ["product-name:{name}"]}]
    patient(relayed, {"relay": {"postgres": at.server.dsn, "rules": rules}})
    relayed.run("reload")
    eventually(lambda: relayed.visit("/product/7") and origin.count("/product/7") > before, 10, "it is fetched anew")
