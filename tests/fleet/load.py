"""Load from a few threads with keep-alive connections. Every request that is not answered properly is a failure."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Iterable


@dataclass
class Result:
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    workers: Counter[str] = field(default_factory=Counter)


class Load:
    """Runs from `with` to its end: POSTs and GETs over many keys of rule `bulk`."""

    def __init__(self, port: int, threads: int = 3, keys: int = 500) -> None:
        self._port, self._keys = port, keys
        self._stop = threading.Event()
        self._results = [Result() for _ in range(threads)]
        self._threads = [threading.Thread(target=self._run, args=(index,)) for index in range(threads)]

    def __enter__(self) -> "Load":
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
        return sum(result.requests for result in self._results)

    @property
    def failures(self) -> list[str]:
        return [failure for result in self._results for failure in result.failures]

    def _run(self, index: int) -> None:
        result = self._results[index]
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        number = index
        while not self._stop.is_set():
            number += len(self._threads)
            method = "GET" if number % 4 == 0 else "POST"
            result.requests += 1
            try:
                connection.request(method, f"/v1/limits/bulk/key-{number % self._keys}")
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                result.failures.append(f"{method}: {error!r}")
                connection.close()
                continue
            worker = response.getheader("X-Shoal-Worker", "HAProxy")
            if response.status not in (200, 429):
                result.failures.append(f"{method}: {response.status} of {worker}: {body[:200]!r}")
            result.workers[worker] += 1
        connection.close()


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
