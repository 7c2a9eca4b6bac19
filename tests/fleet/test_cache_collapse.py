"""Many who want the same at once make one fetch, get it as it comes, and queue for nothing that is not shared."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterator

import pytest

from cache_client import Answer, ask, door, host_of, is_hit, owned
from concurrent_requests import burst
from conftest import before
from origin_server import Asked, Origin, Page
from shoal_cli import FleetUnderTest, Make, eventually

CLIENTS = 50
WORKERS = ("cache-1", "cache-2", "cache-3")
LASTING = {"Cache-Control": "max-age=600"}


@pytest.fixture(scope="module")
def several(make_fleet: Make, origin: Origin, routing: str) -> Iterator[FleetUnderTest]:
    """Three workers. Under random routing who asks for one URL meets all of them."""
    origin.forget()
    yield from before(make_fleet(), origin.url, routing, workers=3)


def at_once(number: int, one: Callable[[int], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(number) as clients:
        return list(clients.map(one, range(number)))


@owned
def test_clients_of_one_worker_make_one_fetch(cached: FleetUnderTest, origin: Origin) -> None:
    body = b"the same for all " * 500
    origin.put("/cold/one", Page(body, headers=LASTING, delay=0.3))
    answers = burst(cached.site, [("GET", "/cold/one")] * CLIENTS)
    assert {(answer.status, answer.body) for answer in answers} == {(200, body)}
    assert origin.count("/cold/one") == 1
    slowest = max(answer.received - answer.sent for answer in answers)
    assert slowest < 2, slowest
    assert sum("; collapsed" in answer.headers["cache-status"] for answer in answers) == CLIENTS - 1


@pytest.mark.only_under("random")
def test_clients_of_several_workers_make_one_fetch(several: FleetUnderTest, origin: Origin) -> None:
    """The lock between workers is for efficiency: one that finds the second level slow fetches for itself, so that
    the bound is one fetch for each worker. On a machine that is not overloaded it is one in all."""
    fetches = []
    for number in range(5):
        path = f"/cold/several/{number}"
        origin.put(path, Page(path.encode() * 100, headers=LASTING, delay=0.2))
        answers = burst(several.site, [("GET", path)] * CLIENTS)
        assert {(answer.status, answer.body) for answer in answers} == {(200, path.encode() * 100)}
        assert {answer.headers["x-shoal-worker"] for answer in answers} == set(WORKERS)
        fetches.append(origin.count(path))
    print("fetches", fetches)
    assert max(fetches) <= len(WORKERS) and sorted(fetches)[2] == 1, fetches


class Streamed:
    """Reads one answer on a connection of its own, and notes when its first byte of body came."""

    def __init__(self, fleet: FleetUnderTest, path: str, worker: str | None = None) -> None:
        self._connection = door(fleet, worker, timeout=20)
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host_of(fleet)}\r\nConnection: close\r\n\r\n".encode()
        self.head, self.body, self.first, self.last = b"", b"", 0.0, 0.0
        self.sent = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with self._connection:
            self._connection.sendall(self._request)
            self.sent.set()
            found = b""
            while part := self._connection.recv(65536):
                found += part
                if not self.first and found.partition(b"\r\n\r\n")[2]:
                    self.first = time.monotonic()
            self.last = time.monotonic()
        self.head, _, self.body = found.partition(b"\r\n\r\n")


@pytest.mark.parametrize("chunked", [False, True])
def test_followers_get_the_first_bytes_before_the_origin_has_finished(several: FleetUnderTest, origin: Origin,
                                                                      chunked: bool) -> None:
    path, body = f"/cold/streamed/{chunked}", bytes(range(256)) * 800
    origin.put(path, Page(body, headers=LASTING, delay=0.2, pieces=8, pause=0.2, chunked=chunked))
    leader = Streamed(several, path, "cache-1")
    origin.wait_for(path)
    followers = [Streamed(several, path, WORKERS[number % 3]) for number in range(9)]
    for one in (leader, *followers):
        one.thread.join(20)
        assert one.head.startswith(b"HTTP/1.1 200"), one.head
        assert one.last - one.first > 0.7, f"it came at once, at the end: {one.head!r}"
        assert len(one.body) >= len(body)
    assert origin.count(path) == 1


def test_what_is_private_serialises_nobody_and_is_given_to_nobody_else(several: FleetUnderTest,
                                                                       origin: Origin) -> None:
    origin.put("/private/*", lambda asked: Page(f"for {asked.headers['x-who']}".encode(), delay=0.2,
                                                headers={"Cache-Control": "private, max-age=600"}))
    for turn in range(2):
        started = time.monotonic()
        answers = at_once(CLIENTS, lambda who: ask(several, "/private/page", headers={"X-Who": f"{turn} {who}"}))
        took = time.monotonic() - started
        assert [answer[2] for answer in answers] == [f"for {turn} {who}".encode() for who in range(CLIENTS)]
        # One fetch may be waited for, once it is known what the page is: far from 50 × 0.2 s.
        assert took < 3, took
    assert origin.count("/private/page") == 2 * CLIENTS


def test_a_leader_whose_worker_dies_is_replaced(several: FleetUnderTest, origin: Origin) -> None:
    path, gate = "/cold/orphan", threading.Event()
    origin.put(path, Page(b"too late", headers=LASTING, gate=gate))
    leader = threading.Thread(target=lambda: quietly(several, path, "cache-1"))
    leader.start()
    origin.wait_for(path)
    waiting = [Streamed(several, path, WORKERS[1 + number % 2]) for number in range(10)]
    for one in waiting:
        one.sent.wait(10)
    # Each worker answers this after it has read those.
    assert {ask(several, "/nothing", worker)[0] for worker in WORKERS} == {404}
    assert origin.count(path) == 1
    origin.put(path, Page(b"the right one", headers=LASTING))
    os.kill(several.pids()["cache-1"], signal.SIGKILL)
    for one in waiting:
        one.thread.join(25)
    gate.set()
    leader.join(20)
    assert {one.body for one in waiting} == {b"the right one"}
    eventually(lambda: several.workers()["cache-1"]["state"] == "serving", 20, "it is back")
    assert {ask(several, path, worker)[2] for worker in WORKERS} == {b"the right one"}


def quietly(fleet: FleetUnderTest, path: str, worker: str) -> None:
    try:
        ask(fleet, path, worker, timeout=20)
    except OSError:
        pass


def test_a_leader_s_client_that_leaves_takes_nothing_with_it(cached: FleetUnderTest, origin: Origin) -> None:
    path, gate = "/cold/left", threading.Event()
    origin.put(path, Page(b"whole", headers=LASTING, gate=gate))
    leader = door(cached, "cache-1")
    leader.sendall(f"GET {path} HTTP/1.1\r\nHost: {host_of(cached)}\r\n\r\n".encode())
    origin.wait_for(path)
    with ThreadPoolExecutor(5) as clients:
        waiting = [clients.submit(ask, cached, path, "cache-1") for _ in range(5)]
        leader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        leader.close()
        gate.set()
        assert {one.result(20)[2] for one in waiting} == {b"whole"}
    assert origin.count(path) == 1
    assert is_hit(ask(cached, path, "cache-1"))


def test_an_origin_that_fails_fails_everybody_who_waited_and_nobody_after(cached: FleetUnderTest,
                                                                          origin: Origin) -> None:
    gate = threading.Event()

    def answer(_: Asked) -> Page:
        return Page(b"fine", headers=LASTING) if gate.is_set() else Page(cut_after=-1, gate=gate)

    origin.put("/cold/failing", answer)
    with ThreadPoolExecutor(10) as clients:
        waiting = [clients.submit(ask, cached, "/cold/failing", "cache-1") for _ in range(10)]
        origin.wait_for("/cold/failing")
        gate.set()
        found = {(one.result(20)[0], one.result(20)[2]) for one in waiting}
    assert {status for status, _ in found} <= {200, 502}
    assert ask(cached, "/cold/failing", "cache-1")[2] == b"fine"
