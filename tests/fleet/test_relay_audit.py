"""The auditor finds what no purge has named, mends it, and finds nothing where everything is purged."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from typing import Any, Iterator

from cache_client import ask, hold
from conftest import patient
from origin_server import Origin
from postgres_server import PostgresServer
from proof import dice
from relay_fleet import CACHES, Rule, active, stale
from shoal_cli import FleetUnderTest, Make, eventually
from sql_site import RULES, Shop, shop

PATHS = [f"/product/{n}" for n in range(1, 21)] + [f"/category/{n}" for n in range(1, 11)]


@contextmanager
def audited(make_fleet: Make, at: Shop, origin: Origin, rules: list[Rule]) -> Iterator[FleetUnderTest]:
    fleet = make_fleet()
    site = {"name": "default", "hosts": ["*"], "origins": [origin.address], "relay_within": "500ms",
            "audit": {"per_second": 50}}
    services = {"relay": {"postgres": at.server.dsn, "rules": rules}, "cache": {"sites": [site]}}
    fleet.up("--workers", "2", "--config", patient(fleet, services))
    eventually(lambda: active(fleet), 10, "a relay has the slot")
    yield fleet
    fleet.destroy()


def audits(fleet: FleetUnderTest) -> list[dict[str, Any]]:
    return [fleet.private(cache, "/-/cache/audit") for cache in CACHES]


def found(fleet: FleetUnderTest, what: str = "inconsistent") -> int:
    return sum(int(each[what]) for each in audits(fleet))


def test_what_no_rule_purges_is_found_and_mended(make_fleet: Make) -> None:
    with PostgresServer() as server, shop(server) as (at, origin):
        with audited(make_fleet, at, origin, [rule for rule in RULES if rule["table"] != "category"]) as fleet:
            for path in PATHS:
                hold(fleet, path)
            eventually(lambda: all("sweep" in each for each in audits(fleet)), 20, "both have been through everything")
            assert found(fleet) == 0
            server.sql("UPDATE category SET name = 'renamed' WHERE id = 2")
            eventually(lambda: found(fleet), 10, "it is found")
            assert {each["last"]["what"].rpartition("/category/")[2] for each in audits(fleet) if "last" in each} == {"2"}
            eventually(lambda: not stale(fleet, at, PATHS), 5, "it is mended")
            shown = "\n".join(ask(fleet, "/-/metrics", cache, kind="admin")[2].decode() for cache in CACHES)
            assert 'shoal_cache_audits_total{site="default",result="sampled"}' in shown


def test_what_changes_all_the_time_and_is_purged_is_not_reported(make_fleet: Make) -> None:
    rolls, over = dice(), threading.Event()
    with PostgresServer() as server, shop(server) as (at, origin):
        with audited(make_fleet, at, origin, RULES) as fleet:
            def write() -> None:
                for number in range(1_000_000):
                    at.ask("UPDATE product SET name = %s, category_id = %s WHERE id = %s", f"name {number}",
                           rolls.randint(1, 10), rolls.randint(1, 20))
                    if over.wait(0.01):
                        return

            def read(seed: int) -> None:
                choose = random.Random(seed)
                while not over.wait(0.002):
                    ask(fleet, choose.choice(PATHS))

            threads = [threading.Thread(target=write), threading.Thread(target=read, args=(rolls.randrange(1 << 30),))]
            for each in threads:
                each.start()
            try:
                eventually(lambda: found(fleet, "samples") > 150, 30, "much was compared")
            finally:
                over.set()
                for each in threads:
                    each.join()
            assert found(fleet) == 0, audits(fleet)
