"""Origins that read a standby: what it lacks is not purged for good, so nothing stays cached that came from it too
early."""

from __future__ import annotations

import time
from typing import Iterator, Sequence

import pytest

from cache_client import ask
from conftest import patient
from postgres_server import PostgresServer
from postgres_standby import PostgresStandby
from relay_fleet import CACHES, active, for_a_while, keep, kept, pass_by, section, stale, standing
from shoal_cli import FleetUnderTest, Make, eventually
from sql_site import RULES, Shop, shop

pytestmark = pytest.mark.alone
NAME = "replica1"
PATIENCE = 1.0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        yield found


@pytest.fixture(scope="module")
def stage(server: PostgresServer) -> Iterator[tuple[Shop, Shop, str]]:
    """The shop of the primary, that of the standby whose pages are served, and the origin."""
    with shop(server) as (primary, origin), PostgresStandby(server, NAME) as standby:
        reader = Shop(standby)
        origin.put("/product/*", reader.page)
        origin.put("/category/*", reader.page)
        yield primary, reader, origin.url


def up(make_fleet: Make, stage: tuple[Shop, Shop, str], replicas: Sequence[str]) -> FleetUnderTest:
    fleet = make_fleet()
    services = section(stage[0].server.dsn, RULES)
    services["relay"] |= {"replicas": list(replicas), "replica_patience": f"{int(PATIENCE * 1000)}ms"}
    fleet.up("--workers", "2", "--config", patient(fleet, services), "--origin", stage[2])
    eventually(lambda: active(fleet), 20, "a relay has the slot")
    return fleet


def why(fleet: FleetUnderTest, relay: str) -> str:
    return str(standing(fleet, relay).get("why", ""))


def fetch_too_early(fleet: FleetUnderTest, primary: Shop, reader: Shop, name: str) -> None:
    """What the standby shows is purged, and then kept again as it was."""
    before = reader.truth("/product/1")
    keep(fleet, "/product/1")
    reader.server.pause()
    primary.ask("UPDATE product SET name = %s WHERE id = 1", name)
    pass_by(fleet, primary.server)
    for_a_while(lambda: all(ask(fleet, "/product/1", cache)[2].decode() == before for cache in CACHES), 0.5,
                "the standby's page is served")
    keep(fleet, "/product/1")
    assert name in primary.truth("/product/1") and reader.truth("/product/1") == before


def go_on(reader: Shop, name: str) -> None:
    reader.server.resume()
    eventually(lambda: name in reader.truth("/product/1"), 5, "the standby shows it")


def test_a_standby_that_lags_leaves_nothing_stale(make_fleet: Make, stage: tuple[Shop, Shop, str]) -> None:
    primary, reader, _ = stage
    fleet = up(make_fleet, stage, [NAME])
    eventually(lambda: standing(fleet, active(fleet) or "").get("lag_ms", 9999) < 500, 10, "it claims")
    fetch_too_early(fleet, primary, reader, "behind")
    relay = active(fleet) or "none"
    eventually(lambda: standing(fleet, relay).get("lag_ms", 0) > 1000, 10, "nothing is claimed")
    late = f"it waits for replica {NAME}, which has replayed up to"
    eventually(lambda: late in why(fleet, relay), PATIENCE + 5, "operators are told")
    assert standing(fleet, relay)["role"] == "active"
    go_on(reader, "behind")
    seen = time.monotonic()
    while time.monotonic() < seen + 0.5:
        ask(fleet, "/product/1", CACHES[0])
    for_a_while(lambda: not stale(fleet, reader, ["/product/1"]), 0.5, "each read is fresh")
    eventually(lambda: standing(fleet, relay).get("lag_ms", 9999) < 500, 5, "it claims again")
    assert "why" not in standing(fleet, relay)
    fleet.destroy()


def test_without_being_told_of_the_standby_a_page_stays_stale(make_fleet: Make, stage: tuple[Shop, Shop, str]) -> None:
    primary, reader, _ = stage
    fleet = up(make_fleet, stage, [])
    fetch_too_early(fleet, primary, reader, "unnoticed")
    go_on(reader, "unnoticed")
    for_a_while(lambda: stale(fleet, reader, ["/product/1"]), 1, "what the rule is for")
    assert kept(fleet, "/product/1")
    fleet.destroy()


def test_a_standby_that_is_away_is_waited_for(make_fleet: Make, stage: tuple[Shop, Shop, str]) -> None:
    primary, reader, _ = stage
    fleet = up(make_fleet, stage, [NAME])
    keep(fleet, "/product/2")
    reader.server.stop()
    primary.ask("UPDATE product SET name = 'away' WHERE id = 2")
    relay = active(fleet) or "none"
    eventually(lambda: "which is not connected to the primary" in why(fleet, relay), 10, "it says so")
    reader.server.start()
    eventually(lambda: "why" not in standing(fleet, relay), 20, "it has caught up")
    eventually(lambda: not stale(fleet, reader, ["/product/2"]), 2, "it is fresh")
    fleet.destroy()


def test_check_says_which_right_is_needed(make_fleet: Make, stage: tuple[Shop, Shop, str]) -> None:
    primary, _, url = stage
    primary.server.sql("CREATE ROLE shy LOGIN REPLICATION")
    fleet = make_fleet()
    dsn = primary.server.dsn_of("postgres", "shy")
    services = {"relay": {"postgres": dsn, "rules": RULES, "replicas": [NAME, "nobody"], "slot": "shy"}}
    fleet.up("--workers", "2", "--config", patient(fleet, services), "--origin", url)
    said = fleet.run("relay", "check", code=1).stdout
    assert "shy may not see how far replicas are" in said and 'GRANT pg_read_all_stats TO "shy";' in said
    eventually(lambda: "GRANT pg_read_all_stats" in why(fleet, "relay-1"), 10, "the relay says so too")
    primary.server.sql("GRANT pg_read_all_stats TO shy")
    said = fleet.run("relay", "check").stdout
    assert "no standby is connected whose application_name is nobody" in said
    assert NAME not in said
    fleet.destroy()
