"""Load from a few threads with keep-alive connections. Every request that is not answered properly is a failure."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from types import TracebackType
from typing import Iterable, NamedTuple


class Request(NamedTuple):
    method: str
    path: str
    body: bytes = b""


class Clients:
    """They run from `with` to its end. What they ask, and what is a proper answer, others say."""

    def __init__(self, port: int, threads: int = 3) -> None:
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(index,)) for index in range(threads)]
        self._counts = [0] * threads
        self.failures: list[str] = []
        self.workers: Counter[str] = Counter()

    def request(self, number: int) -> Request:
        raise NotImplementedError

    def is_proper(self, asked: Request, status: int, body: bytes) -> bool:
        raise NotImplementedError

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def requests(self) -> int:
        return sum(self._counts)

    def _run(self, index: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        number = index
        while not self._stop.is_set():
            number += len(self._threads)
            self._counts[index] += 1
            self._ask(connection, self.request(number))
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, asked: Request) -> None:
        name = f"{asked.method} {asked.path}"
        try:
            connection.request(asked.method, asked.path, body=asked.body or None)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"{name}: {error!r}")
            connection.close()
            return
        worker = response.getheader("X-Shoal-Worker", "HAProxy")
        if not self.is_proper(asked, response.status, body):
            self.failures.append(f"{name}: {response.status} of {worker}: {body[:200]!r}")
        self.workers[worker] += 1


class Load(Clients):
    """POSTs and GETs over many keys of rule `bulk`."""

    def __init__(self, port: int, threads: int = 3, keys: int = 500) -> None:
        super().__init__(port, threads)
        self._keys = keys

    def request(self, number: int) -> Request:
        return Request("GET" if number % 4 == 0 else "POST", f"/v1/limits/bulk/key-{number % self._keys}")

    def is_proper(self, asked: Request, status: int, body: bytes) -> bool:
        return status in (200, 429)


def owners(port: int, keys: Iterable[str], threads: int = 2) -> dict[str, str]:
    """Which worker answers for each key of rule `bulk`, as a live fleet says."""
    todo = list(keys)
    found: dict[str, str] = {}

    def ask(part: list[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for key in part:
            connection.request("GET", f"/v1/limits/{key}")
            response = connection.getresponse()
            response.read()
            found[key] = response.getheader("X-Shoal-Worker", "nobody")
        connection.close()

    workers = [threading.Thread(target=ask, args=(todo[index::threads],)) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(found) == len(todo), "some keys were not answered"
    return found
