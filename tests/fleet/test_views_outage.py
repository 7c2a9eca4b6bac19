"""Views when something fails: nothing is served that may be older than it should, and nothing is said not to be there
that may be."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from typing import Any, Iterator

import pytest

from cache_client import ask, body_on, door
from redis_trouble import redis
from shoal_cli import FleetUnderTest, Make, eventually
from written_views import VIEWS, WrittenViews, viewed

Served = tuple[FleetUnderTest, WrittenViews]
PATH = "/v1/views/shop/n"


@pytest.fixture(scope="module")
def served(make_fleet: Make) -> Iterator[Served]:
    with viewed(make_fleet) as found:
        yield found


@pytest.fixture
def kept(served: Served) -> Served:
    """Both workers keep version 1."""
    served[1].speak()
    served[1].make("shop", "document")
    served[1].put("shop", "n", 1)
    eventually(lambda: all(said(served, worker)[0] == "shoal; hit" for worker in VIEWS), 10, "both keep it")
    return served


def said(served: Served, worker: str) -> tuple[str, Any]:
    """Cache-Status and body of a 200, or the status alone."""
    status, fields, body = ask(served[0], PATH, worker, kind="sock")
    return (fields["cache-status"], json.loads(body)) if status == 200 else (str(status), None)


def test_without_a_word_of_the_relay_nothing_is_served(kept: Served) -> None:
    fleet, written = kept
    written.hush()
    took = eventually(lambda: all(said(kept, worker)[0] == "503" for worker in VIEWS), 5, "it is not served any more")
    assert took < 2
    status, fields, body = ask(fleet, PATH, kind="sock")
    assert status == 503 and fields["retry-after"] == "1" and b"no relay has said" in body
    assert ask(fleet, "/v1/views/absent/n", kind="sock")[0] == 503, "nor what there is not"
    assert ask(fleet, "/v1/views", kind="sock")[0] == 200, "but which views there are"
    written.speak()
    eventually(lambda: all(said(kept, worker)[1] == 1 for worker in VIEWS), 5, "it is served again")


def test_a_worker_that_stood_still_serves_nothing_of_before(kept: Served) -> None:
    fleet, written = kept
    pid = fleet.pids()[VIEWS[0]]
    with fleet.left_alone(), door(fleet, VIEWS[0], "sock", 20) as connection:
        os.kill(pid, signal.SIGSTOP)
        try:
            # In its socket before it goes on.
            connection.sendall(f"GET {PATH} HTTP/1.1\r\nHost: shoal\r\n\r\n".encode())
            written.put("shop", "n", 2)
            time.sleep(1.1)  # Its lease and the relay's last word that it knows of are over: that is what is tested.
        finally:
            os.kill(pid, signal.SIGCONT)
        assert body_on(connection) != b"1"
    eventually(lambda: said(kept, VIEWS[0])[1] == 2, 5, "it has caught up")


def test_a_redis_that_lost_everything_serves_nothing_of_before(kept: Served) -> None:
    """Until a relay has made the views anew; and a view is not unknown for that."""
    seen: set[str] = set()
    ending = threading.Event()

    def look() -> None:
        while not ending.is_set():
            seen.update(said(kept, worker)[0] for worker in VIEWS)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        fleet, written = kept
        written.hush()
        redis(fleet, "FLUSHALL")
        eventually(lambda: all(said(kept, worker)[0] == "503" for worker in VIEWS), 5, "it is not served any more")
        eventually(lambda: redis(fleet, "HGET", "{cache}:purge:head", "epoch") != "", 5, "a new epoch has begun")
        written.make("shop", "document", "filling")
        written.put("shop", "n", 3)
        assert all(said(kept, worker)[0] == "503" for worker in VIEWS)
        written.speak()
        eventually(lambda: all(said(kept, worker)[1] == 3 for worker in VIEWS), 5, "the new one is served")
    finally:
        ending.set()
        looker.join()
    assert "404" not in seen


def test_a_view_of_an_epoch_before_does_not_count(kept: Served) -> None:
    fleet, written = kept
    before = written.epoch()
    redis(fleet, "HSET", "{cache}:purge:head", "run", "another")
    eventually(lambda: written.epoch() > before, 5, "a new epoch has begun")
    eventually(lambda: all(said(kept, worker)[0] == "503" for worker in VIEWS), 5, "it is not served any more")
    listed = {one["name"]: one["state"] for one in json.loads(ask(fleet, "/v1/views", kind="sock")[2])["views"]}
    assert listed["shop"] == "unattended"
    written.state("shop", "ready")
    eventually(lambda: all(said(kept, worker)[1] == 1 for worker in VIEWS), 5, "it counts again")


def test_many_who_ask_the_same_ask_redis_once(kept: Served) -> None:
    fleet, written = kept
    written.put("shop", "n", 4)
    before = int(_calls(fleet))
    redis(fleet, "CLIENT", "PAUSE", "300", "ALL")
    doors = [door(fleet, VIEWS[0], "sock") for _ in range(20)]
    try:
        for one in doors:
            one.sendall(b"GET /v1/views/shop/other HTTP/1.1\r\nHost: shoal\r\n\r\n")
        assert {body_on(one)[:20] for one in doors}
    finally:
        for one in doors:
            one.close()
    assert _calls(fleet) - before <= 2
    shown = ask(fleet, "/-/metrics", VIEWS[0], kind="admin")[2].decode()
    assert 'outcome="collapsed"' in shown


def _calls(fleet: FleetUnderTest) -> int:
    """Misses of the first worker, which each are one question to Redis."""
    shown = ask(fleet, "/-/metrics", VIEWS[0], kind="admin")[2].decode()
    return sum(int(float(line.split()[-1])) for line in shown.splitlines()
               if line.startswith('shoal_views_requests_total{outcome="miss"'))


def test_a_killed_worker_or_redis_is_missed_for_a_moment(kept: Served) -> None:
    fleet, written = kept
    os.kill(fleet.pids()[VIEWS[0]], signal.SIGKILL)
    eventually(lambda: fleet.request("GET", PATH)[0] == 200, 5, "another one serves")
    os.kill(fleet.other("redis-state")["pid"], signal.SIGKILL)
    eventually(lambda: redis_answers(fleet), 10, "Redis is back")
    written.reconnect()
    written.speak()
    eventually(lambda: _remade(written) and fleet.request("GET", PATH)[2] == b"5", 10, "views are served again")


def redis_answers(fleet: FleetUnderTest) -> bool:
    try:
        return redis(fleet, "PING") == "PONG"
    except Exception:  # pylint: disable=broad-except
        return False


def _remade(written: WrittenViews) -> bool:
    written.state("shop", "ready")
    written.put("shop", "n", 5)
    return True
