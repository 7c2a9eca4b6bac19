"""Views of a database: what a transaction changed is in Redis and served, whoever keeps it and whatever dies."""

from __future__ import annotations

import json
import os
import signal
from typing import Any, Iterator

import pytest

from conftest import patient
from postgres_server import PostgresServer
from redis_trouble import redis
from relay_fleet import active, active_pid, section, standing
from shoal_cli import FleetUnderTest, Make, eventually

SCHEMA = """
CREATE TABLE category (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE product (id int PRIMARY KEY, category_id int NOT NULL, name text NOT NULL, price int NOT NULL);
ALTER TABLE product REPLICA IDENTITY FULL;
INSERT INTO category SELECT n, 'category ' || n FROM generate_series(1, 5) n;
INSERT INTO product SELECT n, 1 + n % 5, 'product ' || n, n FROM generate_series(1, 2000) n;
CREATE PUBLICATION shoal FOR ALL TABLES;
"""
VIEWS = [
    {"name": "product", "kind": "document", "key": ["id"],
     "query": "SELECT p.id, p.name, p.price, c.name AS category FROM product p JOIN category c ON c.id = p.category_id",
     "changed_by": [{"table": "product", "key": ["id"]},
                    {"table": "category", "keys": "SELECT id FROM product WHERE category_id = $1", "from": ["id"]}]},
    {"name": "prices", "kind": "sorted_set", "key": ["category_id"], "member": "id", "score": "price",
     "query": "SELECT category_id, id, price FROM product",
     "changed_by": [{"table": "product", "key": ["category_id"], "member": "id"}]},
]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        found.sql(SCHEMA)
        yield found


@pytest.fixture(scope="module")
def viewed(make_fleet: Make, server: PostgresServer) -> Iterator[FleetUnderTest]:
    fleet = make_fleet()
    fleet.up("--workers", "1", "--config", patient(fleet, section(server.dsn, [], views=VIEWS)))
    fleet.run("scale", "relay", "2")
    eventually(lambda: states(fleet) == {"product": "ready", "prices": "ready"}, 20, "all views are ready")
    yield fleet
    fleet.destroy()


def states(fleet: FleetUnderTest) -> dict[str, str]:
    found = standing(fleet, active(fleet) or "relay-1").get("views", [])
    return {one["name"]: one["state"] for one in found}


def entry(fleet: FleetUnderTest, view: str, key: str) -> str:
    words = redis(fleet, "HGET", "{cache}:views", view).split()
    return "{cache}:view:%s:%s:%s" % (view, words[1], key)


def document(fleet: FleetUnderTest, key: str) -> Any:
    return json.loads(redis(fleet, "GET", entry(fleet, "product", key)) or "null")


def truth(server: PostgresServer) -> tuple[dict[str, Any], dict[str, str]]:
    rows = server.sql("SELECT p.id, to_json(v) FROM product p JOIN (" + VIEWS[0]["query"] + ") v USING (id)")
    return {key: json.loads(text) for key, text in rows}, dict(server.sql("SELECT id, price FROM product"))


def kept(fleet: FleetUnderTest, server: PostgresServer) -> bool:
    """Redis has what SQL says."""
    documents, prices = truth(server)
    keys = sorted(documents)
    script = ("local made = {} for i, id in ipairs(ARGV) do made[i] = redis.call('GET', KEYS[1] .. id) or 'null' end "
              "return made")
    shown = redis(fleet, "EVAL", script, "1", entry(fleet, "product", ""), *keys).splitlines()
    pairs: dict[str, str] = {}
    for category in range(1, 6):
        lines = redis(fleet, "ZRANGE", entry(fleet, "prices", str(category)), "0", "-1", "WITHSCORES").splitlines()
        pairs |= dict(zip(lines[::2], lines[1::2]))
    return dict(zip(keys, map(json.loads, shown))) == documents and pairs == prices


def test_an_update_is_in_redis_and_served(viewed: FleetUnderTest, server: PostgresServer) -> None:
    assert document(viewed, "7")["name"] == "product 7"
    server.sql("UPDATE product SET name = 'renamed', price = 12 WHERE id = 7")
    eventually(lambda: document(viewed, "7")["name"] == "renamed", 1, "the document is the row's")
    assert redis(viewed, "ZSCORE", entry(viewed, "prices", "3"), "7") == "12"
    server.sql("UPDATE category SET name = 'other' WHERE id = 3")
    eventually(lambda: document(viewed, "7")["category"] == "other", 1, "a row that it is joined with counts, too")
    served = eventually(lambda: viewed.request("GET", "/v1/views/product/7")[0] == 200, 10, "it is served")
    assert served >= 0
    assert json.loads(viewed.request("GET", "/v1/views/product/7")[2])["name"] == "renamed"


def test_operators_see_views_and_rebuild_them(viewed: FleetUnderTest, server: PostgresServer) -> None:
    assert "0 rules and 2 views hold" in viewed.run("relay", "check").stdout
    said = viewed.run("relay", "status").stdout
    assert "prices" in said and "sorted_set" in said and "ready" in said
    redis(viewed, "SET", entry(viewed, "product", "8"), '{"name": "wrong"}')
    viewed.run("relay", "rebuild", "product")
    eventually(lambda: document(viewed, "8")["name"] == "product 8", 5, "it is right again")
    assert "no view" in viewed.run("relay", "rebuild", "nothing", code=1).stderr


def test_a_relay_that_dies_or_stands_still_is_followed_by_another(viewed: FleetUnderTest,
                                                                 server: PostgresServer) -> None:
    before = {view: redis(viewed, "HGET", "{cache}:views", view).split()[1] for view in ("product", "prices")}
    for number, kind in enumerate((signal.SIGKILL, signal.SIGSTOP)):
        pid = active_pid(viewed)
        server.sql(f"UPDATE product SET price = price + 1, category_id = 1 + (id + {number}) % 5")
        os.kill(pid, kind)
        server.sql(f"UPDATE product SET name = 'after {number}' WHERE id % 3 = 0")
        eventually(lambda: kept(viewed, server), 20, "the views are SQL's")
        if kind == signal.SIGSTOP:
            os.kill(pid, signal.SIGCONT)
            eventually(lambda: kept(viewed, server), 5, "what it had under way changes nothing")
    after = {view: redis(viewed, "HGET", "{cache}:views", view).split()[1] for view in ("product", "prices")}
    assert before == after, "nothing had to be made anew"


def test_a_redis_that_restarts_keeps_the_views(viewed: FleetUnderTest, server: PostgresServer) -> None:
    before = redis(viewed, "HGET", "{cache}:views", "product").split()
    os.kill(viewed.other("redis-state")["pid"], signal.SIGKILL)
    server.sql("UPDATE product SET name = 'while it was away' WHERE id = 1")

    def again() -> bool:
        words = redis(viewed, "HGET", "{cache}:views", "product").split()
        return words[3] != before[3] and document(viewed, "1")["name"] == "while it was away"
    eventually(lambda: viewed.try_run("status", "--check").returncode == 0, 20, "Redis is back")
    eventually(again, 10, "the views go on")
    # Its last second may be lost: then they are made anew.
    eventually(lambda: kept(viewed, server), 10, "the views are SQL's")
