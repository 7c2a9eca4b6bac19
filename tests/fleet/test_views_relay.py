"""Views from a real database to a client: what is committed is served at once, whole, and by every worker."""

from __future__ import annotations

import json
import threading
import time
from statistics import median
from typing import Any, Callable, Iterator

import pytest

from cache_client import ask
from conftest import patient
from postgres_server import PostgresServer
from relay_fleet import active
from shoal_cli import FleetUnderTest, Make, eventually
from written_views import VIEWS

SCHEMA = """
CREATE TABLE category (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE product (id int PRIMARY KEY, category_id int NOT NULL, name text NOT NULL, price numeric NOT NULL);
ALTER TABLE product REPLICA IDENTITY FULL;
INSERT INTO category SELECT n, 'category ' || n FROM generate_series(1, 9) n;
INSERT INTO product SELECT n, 1 + n % 9, 'product ' || n, n FROM generate_series(1, 900) n;
CREATE PUBLICATION shoal FOR ALL TABLES;
"""
_OF_PRODUCT = {"table": "product", "key": ["id"]}
_IN_CATEGORY = {"table": "product", "key": ["category_id"], "member": "id"}
CONFIGURED = [
    {"name": "product", "kind": "document", "key": ["id"],
     "query": "SELECT p.id, p.name, c.name AS category FROM product p JOIN category c ON c.id = p.category_id",
     "changed_by": [_OF_PRODUCT, {"table": "category", "keys": "SELECT id FROM product WHERE category_id = $1",
                                  "from": ["id"]}]},
    {"name": "facts", "kind": "hash", "key": ["id"], "query": "SELECT id, name, price FROM product",
     "changed_by": [_OF_PRODUCT]},
    {"name": "in_category", "kind": "set", "key": ["category_id"], "member": "id",
     "query": "SELECT category_id, id FROM product", "changed_by": [_IN_CATEGORY]},
    {"name": "by_price", "kind": "sorted_set", "key": ["category_id"], "member": "id", "score": "price",
     "query": "SELECT category_id, id, price FROM product", "changed_by": [_IN_CATEGORY]},
]


@pytest.fixture(scope="module")
def server(routing: str) -> Iterator[PostgresServer]:
    """One for each: the tests change its rows."""
    with PostgresServer() as found:
        found.sql(SCHEMA)
        yield found


@pytest.fixture(scope="module")
def served(make_fleet: Make, server: PostgresServer, routing: str) -> Iterator[FleetUnderTest]:
    fleet = make_fleet()
    services = {"relay": {"postgres": server.dsn, "rules": [], "views": CONFIGURED}, "views": {"relay_within": "10s"}}
    config = patient(fleet, services)
    fleet.up("--workers", "2", "--config", config, "--routing", routing)
    eventually(lambda: active(fleet), 10, "a relay has the slot")
    eventually(lambda: all(one["state"] == "ready" for one in listed(fleet)) and len(listed(fleet)) == 4, 20,
               "every view is filled")
    eventually(lambda: all(get(fleet, "/v1/views/product/1", worker) for worker in VIEWS), 10, "views are served")
    yield fleet
    fleet.destroy()


def listed(fleet: FleetUnderTest) -> list[dict[str, Any]]:
    status, _, body = fleet.request("GET", "/v1/views")
    found: list[dict[str, Any]] = json.loads(body)["views"] if status == 200 else []
    return found


def get(fleet: FleetUnderTest, path: str, worker: str | None = None, **headers: str) -> Any:
    """Nothing where there is none."""
    status, _, body = ask(fleet, path, worker, kind="sock",
                          headers={name.replace("_", "-"): text for name, text in headers.items()})
    return json.loads(body) if status == 200 else None


def members(fleet: FleetUnderTest, view: str, key: int, worker: str | None = None) -> list[Any]:
    page = get(fleet, f"/v1/views/{view}/{key}?limit=1000", worker)
    found: list[Any] = page["items"] if page else []
    return found


def becomes(server: PostgresServer, sql: str, shown: Callable[[str], bool]) -> float:
    """Seconds from the commit until every worker shows it."""
    server.sql(sql)
    return eventually(lambda: all(shown(worker) for worker in VIEWS), 5, f"shown: {sql}")


def test_every_kind_has_what_the_database_has(served: FleetUnderTest) -> None:
    assert [one["entries"] for one in listed(served)] == [9, 900, 9, 900]
    assert get(served, "/v1/views/product/9") == {"id": 9, "name": "product 9", "category": "category 1"}
    assert get(served, "/v1/views/facts/9") == {"id": "9", "name": "product 9", "price": "9"}
    ids = [n for n in range(1, 901) if 1 + n % 9 == 1]
    assert members(served, "in_category", 1) == sorted(str(n) for n in ids)
    assert members(served, "by_price", 1) == [{"member": str(n), "score": n} for n in ids]
    assert get(served, "/v1/views/product/901") is None


@pytest.mark.alone
def test_a_commit_is_shown_within_100_ms_whatever_the_kind(served: FleetUnderTest, server: PostgresServer) -> None:
    took = []
    for n in range(10):
        took += [
            becomes(server, f"UPDATE product SET name = 'new {n}' WHERE id = 1",
                    lambda worker: get(served, "/v1/views/product/1", worker)["name"] == f"new {n}"
                    and get(served, "/v1/views/facts/1", worker)["name"] == f"new {n}"),
            becomes(server, f"UPDATE category SET name = 'called {n}' WHERE id = 2",
                    lambda worker: get(served, "/v1/views/product/1", worker)["category"] == f"called {n}"),
            becomes(server, f"UPDATE product SET category_id = {4 + n % 2}, price = {n} WHERE id = 3",
                    lambda worker: "3" in members(served, "in_category", 4 + n % 2, worker)
                    and "3" not in members(served, "in_category", 5 - n % 2, worker)
                    and {"member": "3", "score": n} in members(served, "by_price", 4 + n % 2, worker)),
            becomes(server, f"INSERT INTO product VALUES (1000, 1, 'made {n}', 1)",
                    lambda worker: get(served, "/v1/views/product/1000", worker) is not None),
            becomes(server, "DELETE FROM product WHERE id = 1000",
                    lambda worker: get(served, "/v1/views/product/1000", worker) is None)]
    assert median(took) < 0.1, sorted(took)
    assert max(took) < 1, sorted(took)


def test_a_clients_copy_is_good_until_the_next_commit(served: FleetUnderTest, server: PostgresServer) -> None:
    path = "/v1/views/product/20"
    tag = ask(served, path, kind="sock")[1]["etag"]
    assert ask(served, path, kind="sock", headers={"If-None-Match": tag})[0] == 304
    server.sql("UPDATE product SET name = 'other' WHERE id = 20")
    eventually(lambda: ask(served, path, kind="sock", headers={"If-None-Match": tag})[0] == 200, 1, "it has changed")
    assert get(served, path)["name"] == "other"


def test_what_is_rolled_back_is_never_shown(served: FleetUnderTest, server: PostgresServer) -> None:
    server.sql("BEGIN; UPDATE product SET name = 'never' WHERE id = 30; ROLLBACK")
    becomes(server, "BEGIN; UPDATE product SET name = 'kept' WHERE id = 31; SAVEPOINT s; "
                    "UPDATE product SET name = 'never' WHERE id = 31; ROLLBACK TO s; COMMIT",
            lambda worker: get(served, "/v1/views/product/31", worker)["name"] == "kept")
    assert get(served, "/v1/views/product/30")["name"] == "product 30"


def test_the_effects_of_a_transaction_appear_together(served: FleetUnderTest, server: PostgresServer) -> None:
    ending, mixed = threading.Event(), []

    def look() -> None:
        while not ending.is_set():
            both = get(served, "/v1/views/product?key=40&key=41")
            names = {both["entries"][key]["name"] for key in ("40", "41")} if both else {""}
            if len(names) > 1 and "product 40" not in names:
                mixed.append(names)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for n in range(50):
            server.sql(f"UPDATE product SET name = 'both {n}' WHERE id IN (40, 41)")
        eventually(lambda: get(served, "/v1/views/product/41")["name"] == "both 49", 5, "the last one is shown")
    finally:
        ending.set()
        looker.join()
    assert not mixed


def test_pages_are_stable_while_others_write(served: FleetUnderTest, server: PostgresServer) -> None:
    """Whatever stays in a category is on exactly one of its pages."""
    ending = threading.Event()

    def write() -> None:
        n = 0
        while not ending.is_set():
            n += 1
            server.sql(f"UPDATE product SET price = {n % 500}, category_id = {7 + n % 2} WHERE id = {600 + n % 30}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        until = time.monotonic() + 2
        while time.monotonic() < until:
            seen, after = [], ""
            while True:
                page = get(served, f"/v1/views/by_price/8?limit=7{after}")
                seen += [one["member"] for one in page["items"]]
                if "next" not in page:
                    break
                after = f"&after={page['next']}"
            stays = {str(n) for n in range(1, 901) if 1 + n % 9 == 8 and not 600 <= n < 630}
            assert stays <= set(seen) and sum(one in stays for one in seen) == len(stays)
    finally:
        ending.set()
        writer.join()
