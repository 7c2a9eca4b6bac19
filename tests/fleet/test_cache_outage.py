"""Workers that stand still and a Redis that is away, slow or empty: nothing purged is served, and the site goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Iterator

import pytest

from cache_client import ask, body_on, door, hold, host_of, is_hit, purge, try_to_purge, token_of, url
from origin_server import Asked, Origin, Page
from outside_redis import OutsideRedis
from shoal_cli import FleetUnderTest, Make, eventually

WORKERS = ("cache-1", "cache-2")
LEASE = 1.0
"""Seconds. A purge is acknowledged so long after it at the latest, and a little for the way."""


class Site:
    """One page a name, whose version only the test changes."""

    def __init__(self, origin: Origin) -> None:
        self.version = 0
        origin.put("/outage/*", self.answer)

    def answer(self, asked: Asked) -> Page:
        return Page(f"version {self.version}".encode(),
                    headers={"Cache-Control": "max-age=600, stale-while-revalidate=600, stale-if-error=600",
                             "ETag": f'"{self.version}"', "Surrogate-Key": "outage"})

    @property
    def now(self) -> bytes:
        return f"version {self.version}".encode()


@pytest.fixture
def site(origin: Origin) -> Site:
    return Site(origin)


@pytest.fixture(scope="module")
def redis(make_fleet: Make) -> Iterator[OutsideRedis]:
    found = OutsideRedis(make_fleet().home.parent / "outside")
    found.start()
    yield found
    found.go_on()
    found.end()


@pytest.fixture(scope="module")
def before_outside_redis(make_fleet: Make, origin: Origin, redis: OutsideRedis,
                         routing: str) -> Iterator[FleetUnderTest]:
    """Nothing starts its Redis again but the test; the second level is the fleet's own."""
    fleet = make_fleet()
    config = fleet.home.parent / f"outage-{routing}.json"
    config.write_text(json.dumps({"redis": {"state": {"unix": str(redis.socket)}}}))
    fleet.up("--workers", "2", "--config", str(config), "--origin", origin.url, "--routing", routing)
    yield fleet
    fleet.destroy()


@pytest.fixture
def away(before_outside_redis: FleetUnderTest, redis: OutsideRedis, site: Site) -> Iterator[FleetUnderTest]:
    """Whole before and after."""
    hold(before_outside_redis, "/outage/before")
    yield before_outside_redis
    if redis.process is None:
        redis.start()
    redis.go_on()
    hold(before_outside_redis, "/outage/after")


def no_lease(fleet: FleetUnderTest) -> bool:
    return not any(is_hit(ask(fleet, "/outage/held", worker)) for worker in WORKERS)


@pytest.fixture
def pausing() -> Iterator[list[int]]:
    """Processes that are to go on when the test ends."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass


def test_a_worker_that_stands_still_is_fenced_and_serves_nothing_purged(cached: FleetUnderTest, site: Site,
                                                                        pausing: list[int]) -> None:
    hold(cached, "/outage/fenced")
    pid = cached.pids()["cache-2"]
    # One request is in its socket before it stops, one comes while it stands.
    with door(cached, "cache-2") as early, door(cached, "cache-2") as late:
        request = f"GET /outage/fenced HTTP/1.1\r\nHost: {host_of(cached)}\r\n\r\n".encode()
        early.sendall(request)
        assert body_on(early) == b"version 0"
        pausing.append(pid)
        os.kill(pid, signal.SIGSTOP)
        early.sendall(request)
        late.sendall(request)
        site.version = 1
        started = time.monotonic()
        done = purge(cached, "cache-1", tags=["outage"])
        took = time.monotonic() - started
        assert done["confirmed"] == ["cache-1"] and done["fenced"] == ["cache-2"]
        assert 0.5 < took < LEASE + 0.5, took
        assert ask(cached, "/outage/fenced", "cache-1")[2] == b"version 1"
        # Both were sent before the purge, and could have either: they get what holds when they are looked at.
        os.kill(pid, signal.SIGCONT)
        assert body_on(late) == b"version 1"
        assert body_on(early) == b"version 1"
    for _ in range(50):
        assert ask(cached, "/outage/fenced", "cache-2")[2] == b"version 1"
    hold(cached, "/outage/fenced")
    eventually(lambda: sorted(purge(cached, "cache-1", tags=["outage"])["confirmed"]) == list(WORKERS), 5,
               "it confirms again")


def test_without_redis_the_origin_answers_and_nothing_else(away: FleetUnderTest, origin: Origin, redis: OutsideRedis,
                                                           site: Site) -> None:
    hold(away, "/outage/held")
    site.version = 1
    purge(away, "cache-1", tags=["outage"])
    redis.end()
    for _ in range(5):
        assert {ask(away, "/outage/held", worker)[2] for worker in (None, *WORKERS)} == {b"version 1"}
    # Who loses the purge log can't know of purges: after a lease nothing is served from a cache.
    assert eventually(lambda: no_lease(away), 2 * LEASE + 1, "no lease is left") < LEASE + 1
    site.version = 2
    asked = origin.count("/outage/held")
    assert {ask(away, "/outage/held", worker)[2] for worker in (None, *WORKERS) * 3} == {b"version 2"}
    assert origin.count("/outage/held") > asked
    status, headers, _ = ask(away, "/v1/cache/purge", "cache-1", "POST", "sock",
                             {"Authorization": f"Bearer {token_of(away)}"}, b'{"all": true}')
    assert status == 503 and headers["retry-after"] == "1", "a purge that can't be is not acknowledged"
    redis.start()
    hold(away, "/outage/held")
    assert ask(away, "/outage/held")[2] == b"version 2"
    site.version = 3
    purge(away, tags=["outage"])
    assert {ask(away, "/outage/held", worker)[2] for worker in (None, *WORKERS)} == {b"version 3"}


def test_a_redis_that_hangs_is_as_one_that_is_away(away: FleetUnderTest, redis: OutsideRedis, site: Site) -> None:
    hold(away, "/outage/held")
    redis.pause()
    eventually(lambda: no_lease(away), 2 * LEASE + 1, "no lease is left")
    site.version = 1
    started = time.monotonic()
    assert {ask(away, "/outage/held", worker)[2] for worker in (None, *WORKERS)} == {b"version 1"}
    assert time.monotonic() - started < 2
    redis.go_on()
    hold(away, "/outage/held")
    assert ask(away, "/outage/held")[2] == b"version 1"


@pytest.mark.parametrize("loss", ["flushall", "restart"])
def test_what_redis_forgets_voids_what_is_cached(away: FleetUnderTest, redis: OutsideRedis, site: Site,
                                                 loss: str) -> None:
    """The numbers start again: a purge after it may not hide behind those from before."""
    hold(away, "/outage/held")
    for _ in range(3):
        site.version += 1
        purge(away, urls=[url(away, "/outage/other")], tags=["outage"])
    hold(away, "/outage/held")
    site.version += 1
    if loss == "flushall":
        flush(redis.socket)
    else:
        redis.end()
        redis.start()
    eventually(lambda: not is_hit(ask(away, "/outage/held", "cache-1")), LEASE + 1, "it is void at cache-1")
    eventually(lambda: ask(away, "/outage/held", "cache-2")[2] == site.now, LEASE + 1, "it is void at cache-2")
    assert ask(away, "/outage/held")[2] == site.now
    site.version += 1
    purge(away, "cache-2", tags=["outage"])
    assert {ask(away, "/outage/held", worker)[2] for worker in (None, *WORKERS)} == {site.now}
    hold(away, "/outage/held")


def flush(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(b"FLUSHALL\r\n")
        assert connection.recv(64) == b"+OK\r\n"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
def test_without_a_second_level_everything_goes_on(cached: FleetUnderTest, origin: Origin, site: Site,
                                                   pausing: list[int], how: signal.Signals) -> None:
    hold(cached, "/outage/second")
    pid = cached.other("redis-l2")["pid"]
    pausing.append(pid)
    with cached.left_alone():
        os.kill(pid, how)
        started = time.monotonic()
        for _ in range(20):
            assert is_hit(ask(cached, "/outage/second", "cache-1"))
        assert time.monotonic() - started < 1, "memory does not ask it"
        started = time.monotonic()
        for number in range(5):
            assert ask(cached, f"/outage/new/{how}/{number}", "cache-1")[2] == site.now
        assert time.monotonic() - started < 3, "a miss waits for it shortly"
        site.version += 1
        assert sorted(purge(cached, "cache-1", tags=["outage"])["confirmed"]) == list(WORKERS)
        assert {ask(cached, "/outage/second", worker)[2] for worker in (None, *WORKERS)} == {site.now}
        if how == signal.SIGSTOP:
            os.kill(pid, signal.SIGCONT)
    eventually(lambda: cached.other("redis-l2")["pid"] is not None, 10, "it is back")
    assert {ask(cached, f"/outage/new/{how}/{number}", worker)[2] for number in range(5)
            for worker in (None, *WORKERS)} == {site.now}, "what it still holds was purged meanwhile"


def test_clients_notice_no_loss_of_redis(away: FleetUnderTest, redis: OutsideRedis, site: Site) -> None:
    stop, failures, floor = threading.Event(), list[str](), [0]

    def client(number: int) -> None:
        while not stop.is_set():
            least = floor[0]
            status, _, body = ask(away, f"/outage/load/{number}")
            if status != 200 or int(body.split()[1]) < least:
                failures.append(f"{status} {body!r}, at least {least}")

    clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for one in clients:
        one.start()
    try:
        for _ in range(2):
            site.version += 1
            purge(away, tags=["outage"])
            floor[0] = site.version
            redis.end()
            eventually(lambda: no_lease(away), 2 * LEASE + 1, "no lease is left")
            redis.start()
            hold(away, "/outage/held")
            # They go by another connection than the lease, which may be back a little later.
            eventually(lambda: all(try_to_purge(away, worker, tags=["none"])[0] == 200 for worker in WORKERS), 15,
                       "purges are taken again")
    finally:
        stop.set()
        for one in clients:
            one.join(20)
    assert failures == []
