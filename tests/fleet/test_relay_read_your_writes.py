"""Who has written names it, and never sees what was before: not while the relay is behind, dead or stopped."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Iterator

import pytest

from cache_client import Answer, ask, door, hold, host_of, is_hit
from conftest import patient
from origin_server import Asked, Origin, Page
from postgres_server import PostgresServer
from redis_trouble import redis
from relay_fleet import CACHES, RELAYS, active, active_pid, pass_by, section, standing, stopped
from shoal_cli import FleetUnderTest, Make, eventually
from sql_site import RULES, Shop, shop

pytestmark = pytest.mark.alone
BOUND = 0.4
"""Seconds that a request waits at most, before it goes to the origin."""
SLACK = 5.0
NOTES = """
CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL);
INSERT INTO note VALUES (1, 'first');
CREATE TABLE unrelated (id int);
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        yield found


@pytest.fixture(scope="module")
def stage(make_fleet: Make, server: PostgresServer) -> Iterator[tuple[FleetUnderTest, Shop, Origin]]:
    with shop(server) as (made, origin):
        server.sql(NOTES)
        site = {"name": "default", "hosts": ["*"], "origins": [origin.address],
                "read_your_writes": f"{int(BOUND * 1000)}ms"}
        rules = [*RULES, {"table": "note", "tags": ["note:{id}"], "soft": True}]
        fleet = make_fleet()
        services = {**section(server.dsn, rules), "cache": {"sites": [site]}}
        fleet.up("--workers", "2", "--config", patient(fleet, services))
        yield fleet, made, origin
        fleet.destroy()


@pytest.fixture
def fleet(stage: tuple[FleetUnderTest, Shop, Origin]) -> FleetUnderTest:
    eventually(lambda: active(stage[0]), 20, f"a relay has the slot: {[standing(stage[0], one) for one in RELAYS]}")
    pass_by(stage[0], stage[1].server)
    return stage[0]


@pytest.fixture
def at(stage: tuple[FleetUnderTest, Shop, Origin]) -> Shop:
    return stage[1]


@pytest.fixture
def origin(stage: tuple[FleetUnderTest, Shop, Origin]) -> Origin:
    return stage[2]


def rename(at: Shop, number: int, name: str) -> str:
    """Commits; the position behind it."""
    at.ask("UPDATE product SET name = %s WHERE id = %s", name, number)
    [[end]] = at.ask("SELECT pg_current_wal_insert_lsn()::text")
    return str(end)


def rename_as(at: Shop, number: int, name: str, token: str) -> str:
    """Commits, and emits the token in the same transaction."""
    at.ask("UPDATE product SET name = %s WHERE id = %s; SELECT pg_logical_emit_message(true, 'shoal', %s)", name,
           number, token)
    return token


def read(fleet: FleetUnderTest, path: str, after: str, worker: str | None = None) -> Answer:
    return ask(fleet, path, worker, headers={"X-Shoal-After": after})


def went_to_the_origin(answer: Answer) -> bool:
    status = answer[1]["cache-status"]
    return status.startswith("shoal; fwd=bypass; ") and status.endswith("; detail=write-not-purged")


def counted(fleet: FleetUnderTest, result: str) -> int:
    shown = "\n".join(ask(fleet, "/-/metrics", cache, kind="admin")[2].decode() for cache in CACHES)
    return sum(int(float(line.split()[-1])) for line in shown.splitlines()
               if line.startswith("shoal_cache_reads_after_write_total{") and f'result="{result}"' in line)


@contextlib.contextmanager
def relays_stopped(fleet: FleetUnderTest) -> Iterator[None]:
    with stopped(*(fleet.pids()[relay] for relay in RELAYS)):
        yield


@contextlib.contextmanager
def written_to(at: Shop) -> Iterator[None]:
    """By others, all the time."""
    over = threading.Event()

    def write_on(first: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            at.ask("UPDATE product SET name = %s WHERE id = %s", f"load {number}", first + number % 10)

    writers = [threading.Thread(target=write_on, args=(first,)) for first in (60, 80)]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        over.set()
        for writer in writers:
            writer.join()


@pytest.mark.parametrize("how", ["position", "token"])
def test_what_one_has_written_one_reads_while_others_write(fleet: FleetUnderTest, at: Shop, how: str) -> None:
    before, rounds = counted(fleet, "origin"), 60
    times = []
    with written_to(at):
        for number in range(rounds):
            name = f"{how} {number}"
            token = rename(at, 5, name) if how == "position" else rename_as(at, 5, name, f"t-{number}")
            for cache in CACHES:
                began = time.monotonic()
                shown = read(fleet, "/product/5", token, cache)
                times.append(time.monotonic() - began)
                assert shown[0] == 200 and name in shown[2].decode(), (number, cache, shown)
    took = sorted(times)
    print(f"read after write by {how}: p50 {took[len(took) // 2] * 1000:.1f} ms, p99 {took[-2] * 1000:.1f} ms")
    assert counted(fleet, "origin") - before < rounds / 5, "most are answered by the cache"
    eventually(lambda: is_hit(read(fleet, "/product/5", token, CACHES[0])), 5, "it is kept, and served with the token")


def test_while_the_relay_stands_still_the_origin_is_asked_within_the_bound(fleet: FleetUnderTest, at: Shop) -> None:
    hold(fleet, "/product/6")
    with relays_stopped(fleet):
        position, token = rename(at, 6, "unnoticed"), rename_as(at, 6, "unnoticed either", "unnoticed")
        assert b"unnoticed" not in ask(fleet, "/product/6", CACHES[0])[2], "without a word the old page is served"
        for named in (position, token):
            began = time.monotonic()
            shown = read(fleet, "/product/6", named, CACHES[0])
            took = time.monotonic() - began
            assert b"unnoticed either" in shown[2] and went_to_the_origin(shown), shown
            assert BOUND * 0.9 < took < BOUND + SLACK
    eventually(lambda: is_hit(read(fleet, "/product/6", position, CACHES[0])), 10, "the cache answers again")
    assert b"unnoticed either" in read(fleet, "/product/6", token, CACHES[1])[2]


def test_a_fill_that_was_sent_before_is_not_for_who_has_written(fleet: FleetUnderTest, at: Shop,
                                                                origin: Origin) -> None:
    gate, truth = threading.Event(), "old"
    origin.put("/gated", lambda _: Page(truth.encode(), headers={"Cache-Control": "max-age=600"}, gate=gate))
    others: list[bytes] = []
    with relays_stopped(fleet):
        other = threading.Thread(target=lambda: others.append(ask(fleet, "/gated", CACHES[0])[2]))
        other.start()
        eventually(lambda: origin.count("/gated"), 5, "its request is at the origin")
        position, truth = rename(at, 7, "joined by nobody"), "new"
        timer = threading.Timer(BOUND + 0.5, gate.set)
        timer.start()
        assert read(fleet, "/gated", position, CACHES[0])[2] == b"new"
        other.join()
        timer.join()
    assert others == [b"old"]


def test_many_who_have_written_share_what_the_origin_is_asked(fleet: FleetUnderTest, at: Shop, origin: Origin) -> None:
    clients, apart, takes = 40, 0.015, 0.3
    lock, pause, under_way = threading.Lock(), threading.Event(), [0]
    most = 0

    def page(_: Asked) -> Page:
        nonlocal most
        with lock:
            under_way[0] += 1
            most = max(most, under_way[0])
        [[seen]] = at.ask("SELECT string_agg(id::text, ' ') FROM written")
        pause.wait(takes)
        with lock:
            under_way[0] -= 1
        return Page(str(seen).encode(), headers={"Cache-Control": "max-age=600"})

    def write_and_read(number: int) -> Answer:
        pause.wait(number * apart)
        at.ask("INSERT INTO written VALUES (%s)", number)
        [[position]] = at.ask("SELECT pg_current_wal_insert_lsn()::text")
        return read(fleet, "/herd", str(position), CACHES[0])

    at.server.sql("CREATE TABLE written (id int)")
    at.ask("INSERT INTO written VALUES (-1)")
    origin.put("/herd", page)
    with relays_stopped(fleet), ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(write_and_read, range(clients)))
    for number, shown in enumerate(answers):
        assert str(number) in shown[2].decode().split() and went_to_the_origin(shown), (number, shown)
    print(f"{clients} clients, {origin.count('/herd')} requests, {most} at a time")
    assert most <= 2
    # One after the other while the clients come, and one more for the last.
    assert origin.count("/herd") <= 2 * (clients * apart / takes + 2), origin.count("/herd")


def test_a_relay_that_is_killed_lets_nobody_see_what_was_before(fleet: FleetUnderTest, at: Shop) -> None:
    hold(fleet, "/product/8")
    for number in range(3):
        os.kill(active_pid(fleet), signal.SIGKILL)
        name = f"killed {number}"
        named = rename(at, 8, name) if number % 2 else rename_as(at, 8, name, f"killed-{number}")
        for _ in range(3):
            for cache in CACHES:
                assert name.encode() in read(fleet, "/product/8", named, cache)[2]
        eventually(lambda: is_hit(read(fleet, "/product/8", named, CACHES[0])), 20, "the next relay has purged it")
        assert name.encode() in read(fleet, "/product/8", named, CACHES[0])[2]
        eventually(lambda: active(fleet), 20, "a relay has the slot")


def test_without_redis_the_origin_answers(fleet: FleetUnderTest, at: Shop) -> None:
    hold(fleet, "/product/9")
    with stopped(fleet.other("redis-state")["pid"]):
        for number in range(6):
            name = f"without {number}"
            named = rename(at, 9, name)
            for cache in CACHES:
                assert name.encode() in read(fleet, "/product/9", named, cache)[2]
            time.sleep(0.2)
    eventually(lambda: is_hit(read(fleet, "/product/9", named, CACHES[0])), 20, "the cache answers again")
    assert name.encode() in read(fleet, "/product/9", named, CACHES[0])[2]


def test_a_redis_that_forgets_everything_makes_no_token_count(fleet: FleetUnderTest, at: Shop) -> None:
    hold(fleet, "/product/10")
    named = rename_as(at, 10, "forgotten", "forgotten")
    eventually(lambda: is_hit(read(fleet, "/product/10", named, CACHES[0])), 10, "it counts")
    redis(fleet, "FLUSHALL")
    for cache in CACHES:
        shown = read(fleet, "/product/10", named, cache)
        assert b"forgotten" in shown[2] and went_to_the_origin(shown)


def test_what_nobody_can_see_yet_does_not_count_as_written(fleet: FleetUnderTest, at: Shop) -> None:
    hold(fleet, "/product/11")
    sql = ("UPDATE product SET name = 'stalled' WHERE id = 11",
           "SELECT pg_logical_emit_message(true, 'shoal', 'stalled')")
    with at.server.stalled():
        at.server.begin("; ".join(sql), name="stalled")
        eventually(lambda: at.server.waiting_commits("stalled"), 5, "its commit waits")
        pass_by(fleet, at.server)
        hold(fleet, "/product/11")
        shown = read(fleet, "/product/11", "stalled", CACHES[0])
        assert went_to_the_origin(shown), "it is in the log, and not seen"
        at.server.configure("synchronous_standby_names", None)
        eventually(lambda: "stalled" in at.truth("/product/11"), 5, "the change can be seen")
        for cache in CACHES:
            assert b"stalled" in read(fleet, "/product/11", "stalled", cache)[2]
    eventually(lambda: is_hit(read(fleet, "/product/11", "stalled", CACHES[0])), 5, "it counts")


@pytest.mark.parametrize("name, sql", [
    ("nobody-wrote-this", "SELECT 1"),
    ("rolled-back", "BEGIN; UPDATE product SET name = 'no' WHERE id = 12; "
                    "SELECT pg_logical_emit_message(true, 'shoal', 'rolled-back'); ROLLBACK"),
    ("savepoint", "BEGIN; UPDATE product SET name = 'yes' WHERE id = 13; SAVEPOINT a; "
                  "SELECT pg_logical_emit_message(true, 'shoal', 'savepoint'); ROLLBACK TO a; COMMIT"),
    ("of-none", "BEGIN; SELECT pg_logical_emit_message(false, 'shoal', 'of-none'); ROLLBACK"),
    ("of-others", "SELECT pg_logical_emit_message(true, 'other', 'of-others')"),
])
def test_a_token_of_no_commit_never_counts(fleet: FleetUnderTest, at: Shop, name: str, sql: str) -> None:
    at.server.sql(sql)
    pass_by(fleet, at.server)
    hold(fleet, "/product/14")
    began = time.monotonic()
    shown = read(fleet, "/product/14", name, CACHES[0])
    assert went_to_the_origin(shown), shown
    assert time.monotonic() - began > BOUND * 0.9
    assert redis(fleet, "EXISTS", "{cache}:token:" + name) == "0"


def test_a_transaction_that_purges_nothing_counts_as_well(fleet: FleetUnderTest, at: Shop) -> None:
    hold(fleet, "/product/15")
    at.server.sql("BEGIN; INSERT INTO unrelated VALUES (1); "
                  "SELECT pg_logical_emit_message(true, 'shoal', 'unrelated'); COMMIT")
    assert is_hit(read(fleet, "/product/15", "unrelated", CACHES[0]))
    assert is_hit(read(fleet, "/product/15", at.server.lsn(), CACHES[0]))


def test_what_is_purged_softly_is_not_for_who_has_written(fleet: FleetUnderTest, at: Shop, origin: Origin) -> None:
    def page(_: Asked) -> Page:
        [[text]] = at.ask("SELECT text FROM note WHERE id = 1")
        # A validator that does not tell them apart.
        return Page(str(text).encode(), headers={
            "Cache-Control": "max-age=600, stale-while-revalidate=600", "Surrogate-Key": "note:1",
            "Last-Modified": "Mon, 05 Jan 2026 10:00:00 GMT"})

    origin.put("/note", page)
    hold(fleet, "/note")
    at.ask("UPDATE note SET text = 'second'; SELECT pg_logical_emit_message(true, 'shoal', 'softly')")
    for cache in CACHES:
        assert read(fleet, "/note", "softly", cache)[2] == b"second"


def test_a_malformed_token_is_refused(fleet: FleetUnderTest) -> None:
    for text in ("16/", "0/0", "a b", "x" * 65, "16/B374D848, 16/B374D849", ""):
        status, fields, body = read(fleet, "/product/1", text, CACHES[0])
        assert (status, fields["content-type"]) == (400, "application/problem+json"), text
        assert b"X-Shoal-After" in body
    connection = http.client.HTTPConnection(host_of(fleet))
    connection.sock = door(fleet, CACHES[0])
    with contextlib.closing(connection):
        connection.putrequest("GET", "/product/1")
        for token in ("one", "two"):
            connection.putheader("X-Shoal-After", token)
        connection.endheaders()
        assert connection.getresponse().status == 400
