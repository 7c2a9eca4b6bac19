"""The relay: what is rolled back purges nothing, and what is in the log before it can be seen is fresh once it can."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Callable, Iterator

import pytest

from cache_client import ask
from postgres_server import PostgresServer, position
from relay_fleet import (CACHES, active, active_pid, become_fresh, counted, for_a_while, keep, kept, pass_by,
                         purged_since, purges, received, relayed, stale)
from shoal_cli import FleetUnderTest, Make, eventually
from sql_site import RULES, Shop, shop

PROMISE = 0.1
"""Seconds after which a read is never stale."""
AFTER_A_FAULT = 0.5
SLOT = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'shoal'"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer(settings={"max_prepared_transactions": "5"}) as found:
        yield found


@pytest.fixture(scope="module")
def stage(make_fleet: Make, server: PostgresServer) -> Iterator[tuple[FleetUnderTest, Shop]]:
    with shop(server) as (made, origin), relayed(make_fleet, server.dsn, RULES, origin.url) as fleet:
        yield fleet, made


@pytest.fixture
def fleet(stage: tuple[FleetUnderTest, Shop]) -> FleetUnderTest:
    return stage[0]


@pytest.fixture
def at(stage: tuple[FleetUnderTest, Shop]) -> Shop:
    return stage[1]


def purges_nothing(fleet: FleetUnderTest, at: Shop, path: str, sql: str) -> None:
    keep(fleet, path)
    pass_by(fleet, at.server)
    before = purges(fleet), counted(fleet, "rows"), counted(fleet, "writes")
    at.server.sql(sql)
    pass_by(fleet, at.server)
    assert (purges(fleet), counted(fleet, "rows"), counted(fleet, "writes")) == before
    assert kept(fleet, path)


@pytest.mark.parametrize("how", [
    "BEGIN; UPDATE product SET name = 'no' WHERE id = 1; ROLLBACK",
    "BEGIN; UPDATE product SET name = 'no'; TRUNCATE product; ROLLBACK",
    "BEGIN; SAVEPOINT a; UPDATE product SET name = 'no' WHERE id = 1; ROLLBACK TO a; COMMIT",
    "DO $$ BEGIN UPDATE product SET name = 'no' WHERE id = 1; RAISE 'no'; EXCEPTION WHEN OTHERS THEN END $$",
    "BEGIN; UPDATE product SET name = 'no' WHERE id = 1; PREPARE TRANSACTION 'a'; ROLLBACK PREPARED 'a'",
])
def test_what_is_rolled_back_purges_nothing(fleet: FleetUnderTest, at: Shop, how: str) -> None:
    purges_nothing(fleet, at, "/product/1", how)


def test_of_a_transaction_with_savepoints_only_what_was_kept_purges(fleet: FleetUnderTest, at: Shop) -> None:
    keep(fleet, "/product/11", "/product/12", "/product/13")
    at.server.sql("BEGIN; SAVEPOINT a; UPDATE product SET name = 'kept' WHERE id = 11; RELEASE a; "
                  "SAVEPOINT b; UPDATE product SET name = 'lost' WHERE id = 12; ROLLBACK TO b; "
                  "UPDATE product SET name = 'after' WHERE id = 13; COMMIT")
    become_fresh(fleet, at, "/product/11", "/product/13")
    assert kept(fleet, "/product/12")


def test_a_prepared_transaction_purges_when_it_is_committed(fleet: FleetUnderTest, at: Shop) -> None:
    purges_nothing(fleet, at, "/product/14", "BEGIN; UPDATE product SET name = 'prepared' WHERE id = 14; "
                                             "PREPARE TRANSACTION 'b'")
    at.server.sql("COMMIT PREPARED 'b'")
    become_fresh(fleet, at, "/product/14")


def begin_stalled(fleet: FleetUnderTest, at: Shop, sql: str) -> subprocess.Popen[str]:
    """Its COMMIT is in the log and has gone through the relay, and nobody else sees it."""
    before = purges(fleet)
    client = at.server.begin(sql, name="stalled")
    eventually(lambda: at.server.waiting_commits("stalled"), 5, "its commit waits")
    eventually(lambda: purges(fleet) > before, 5, "the relay has it")
    pass_by(fleet, at.server)
    return client


def let_go(at: Shop, visible: Callable[[], bool]) -> float:
    """Ends the stall; the time at which the change was seen in the database."""
    at.server.configure("synchronous_standby_names", None)
    eventually(visible, 5, "the change can be seen")
    return time.monotonic()


def never_stale_from(fleet: FleetUnderTest, at: Shop, when: float, *paths: str) -> None:
    while time.monotonic() < when:
        for path in paths:
            ask(fleet, path, CACHES[0])
    for_a_while(lambda: not stale(fleet, at, paths), 0.3, "each read is fresh")


def renamed(at: Shop, number: int, name: str) -> bool:
    return bool(at.ask("SELECT 1 FROM product WHERE id = %s AND name = %s", number, name))


def rename(number: int, name: str) -> str:
    return f"UPDATE product SET name = '{name}' WHERE id = {number}"


@pytest.mark.alone
def test_a_commit_that_was_streamed_before_it_could_be_seen_is_fresh_once_it_can(fleet: FleetUnderTest,
                                                                                 at: Shop) -> None:
    keep(fleet, "/product/21", "/category/2")
    before = at.truth("/product/21")
    with at.server.stalled():
        begin_stalled(fleet, at, rename(21, "stalled"))
        keep(fleet, "/product/21", "/category/2")
        for_a_while(lambda: ask(fleet, "/product/21", CACHES[1])[2].decode() == before == at.truth("/product/21"), 2,
                    "the old page is the truth")
        assert kept(fleet, "/product/21"), "the old page is cached again, after the first purge"
        seen = let_go(at, lambda: renamed(at, 21, "stalled"))
        never_stale_from(fleet, at, seen + PROMISE, "/product/21", "/category/2")


@pytest.mark.alone
def test_the_slot_is_not_confirmed_past_a_commit_that_cannot_be_seen(fleet: FleetUnderTest, at: Shop) -> None:
    with at.server.stalled():
        before = position(at.server.lsn())
        begin_stalled(fleet, at, rename(22, "unconfirmed"))
        at.server.sql("SET synchronous_commit = local; "
                      "INSERT INTO category SELECT n, 'more' FROM generate_series(1000, 1050) n")
        end = position(at.server.lsn())
        eventually(lambda: received(fleet) >= end, 5, "later ones are received")
        for_a_while(lambda: position(at.server.value(SLOT)) <= before + 1000, 1, "the slot stays before it")
    eventually(lambda: position(at.server.value(SLOT)) >= end, 5, "it is confirmed once it could be seen")


@pytest.mark.alone
def test_a_later_commit_that_can_be_seen_earlier_does_not_wait(fleet: FleetUnderTest, at: Shop) -> None:
    keep(fleet, "/product/23", "/product/24")
    with at.server.stalled():
        begin_stalled(fleet, at, rename(23, "waits"))
        keep(fleet, "/product/23", "/product/24")
        at.server.sql(f"SET synchronous_commit = local; {rename(24, 'does not wait')}")
        never_stale_from(fleet, at, time.monotonic() + PROMISE, "/product/24")
        assert "waits" not in at.truth("/product/23")
        keep(fleet, "/product/23", "/product/24")
        seen = let_go(at, lambda: renamed(at, 23, "waits"))
        never_stale_from(fleet, at, seen + PROMISE, "/product/23", "/product/24")


@pytest.mark.alone
@pytest.mark.parametrize("first", ["the other has taken over", "nobody has the slot"])
def test_a_relay_that_is_killed_during_the_stall_is_followed_by_one_that_knows_of_it(
        fleet: FleetUnderTest, at: Shop, first: str) -> None:
    number = 31 if first.startswith("nobody") else 32
    path = f"/product/{number}"
    keep(fleet, path)
    with at.server.stalled():
        begin_stalled(fleet, at, rename(number, "survives"))
        was, pid = active(fleet), active_pid(fleet)
        keep(fleet, path)
        os.kill(pid, signal.SIGKILL)
        if first == "the other has taken over":
            eventually(lambda: active(fleet) not in (None, was), 5, "the standby is active")
            keep(fleet, path)
        seen = let_go(at, lambda: renamed(at, number, "survives"))
        never_stale_from(fleet, at, seen + (PROMISE if first.startswith("the other") else AFTER_A_FAULT), path)
    eventually(lambda: len(fleet.pids()) and active(fleet), 5, "a relay has the slot")


@pytest.mark.alone
def test_a_commit_whose_wait_is_given_up_is_fresh_as_it_can_be_seen_from_then_on(fleet: FleetUnderTest,
                                                                                 at: Shop) -> None:
    with at.server.stalled():
        begin_stalled(fleet, at, rename(33, "impatient"))
        keep(fleet, "/product/33")
        at.server.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'stalled'")
        eventually(lambda: renamed(at, 33, "impatient"), 5, "the change can be seen")
        never_stale_from(fleet, at, time.monotonic() + PROMISE, "/product/33")


@pytest.mark.alone
def test_a_commit_that_a_crash_of_the_database_makes_visible_is_fresh(fleet: FleetUnderTest, at: Shop) -> None:
    with at.server.stalled():
        begin_stalled(fleet, at, rename(34, "crashed"))
        keep(fleet, "/product/34")
        at.server.kill()
        assert kept(fleet, "/product/34")
        at.server.start()
        eventually(lambda: renamed(at, 34, "crashed"), 5, "the change can be seen")
        never_stale_from(fleet, at, time.monotonic() + AFTER_A_FAULT, "/product/34")
    eventually(lambda: active(fleet), 5, "a relay has the slot")


TOGETHER = [f"/product/{number}" for number in (41, 42, 43, 44)] + [f"/category/{number}" for number in (2, 3, 4, 5)]


@dataclass
class Read:
    began: float
    ended: float
    path: str
    version: int


def version_of(body: bytes) -> int:
    """Of a page that shows one, however many of its rows have it."""
    found = set(re.findall(rb"'version (\d+)'", body))
    assert len(found) == 1, f"not of one transaction: {body!r}"
    return int(found.pop())


def read_on(fleet: FleetUnderTest, cache: str, until: threading.Event, to: list[Read]) -> None:
    while not until.is_set():
        for path in TOGETHER:
            began = time.monotonic()
            body = ask(fleet, path, cache)[2]
            to.append(Read(began, time.monotonic(), path, version_of(body)))


def last_round(reads: list[Read]) -> set[int]:
    """What the newest read of each page showed."""
    return {one.version for one in reads[-len(TOGETHER):]}


def change_together(at: Shop, version: int) -> None:
    """One transaction, as all statements of one query are."""
    at.ask("UPDATE product SET name = %s WHERE id BETWEEN 41 AND 44; "
           "UPDATE category SET name = %s WHERE id BETWEEN 2 AND 5", *2 * [f"version {version}"])


def behind(reads: list[Read], allowed: float) -> list[Read]:
    """Those that show an older state than another page did so long before they began."""
    first: dict[int, float] = {}
    for one in reads:
        first[one.version] = min(one.ended, first.get(one.version, one.ended))
    return [one for one in reads if any(version > one.version and one.began > shown + allowed
                                        for version, shown in first.items())]


@pytest.mark.alone
def test_once_one_page_shows_a_transaction_no_other_is_stale(fleet: FleetUnderTest, at: Shop) -> None:
    change_together(at, 0)
    keep(fleet, *TOGETHER)
    become_fresh(fleet, at, *TOGETHER)
    done = threading.Event()
    reads: list[list[Read]] = [[] for _ in CACHES]
    readers = [threading.Thread(target=read_on, args=(fleet, cache, done, to)) for cache, to in zip(CACHES, reads)]
    for reader in readers:
        reader.start()
    for version in range(1, 25):
        change_together(at, version)
        eventually(lambda: all(last_round(to) == {version} for to in reads), 10, "every page of each cache shows it")
    done.set()
    for reader in readers:
        reader.join()
    found = [one for some in reads for one in some]
    assert {one.version for one in found} >= set(range(1, 25)), "each transaction was seen"
    mixed = behind(found, 0)
    print(f"{len(found)} reads, {len(mixed)} behind another page for a moment")
    assert not behind(found, PROMISE)


def test_all_of_a_transaction_is_one_entry_of_the_purge_log(fleet: FleetUnderTest, at: Shop) -> None:
    pass_by(fleet, at.server)
    before = purges(fleet)
    change_together(at, 100)
    eventually(lambda: purges(fleet) >= before + 1, 2, "it is purged")
    become_fresh(fleet, at, *TOGETHER)
    pass_by(fleet, at.server)
    # Four products and four categories, which are the same tags whether a product or the category itself changed.
    assert set(purged_since(fleet, before)) == {8}
