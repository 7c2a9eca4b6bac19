"""Clients of a cached site, with keep-alive connections. Every request that is not answered as it should be fails."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from types import TracebackType

from origin_server import Asked, Origin, Page

STORED, PASSED = 60, 20


def put_pages(origin: Origin) -> None:
    """Pages whose bodies say which they are: /load/stored/N may be stored, /load/passed/N may not."""
    origin.put("/load/stored/*", lambda asked: Page(asked.path.encode() * 50, headers={"Cache-Control": "max-age=600"}))
    origin.put("/load/passed/*", lambda asked: Page(_said(asked), headers={"Cache-Control": "no-store"}))


def _said(asked: Asked) -> bytes:
    return asked.path.encode() * 50 + asked.body


class SiteLoad:
    """Runs from `with` to its end: GETs that may be answered from a cache, GETs that may not, and POSTs."""

    def __init__(self, port: int, threads: int = 3) -> None:
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(index,)) for index in range(threads)]
        self._counts = [0] * threads
        self.failures: list[str] = []
        self.workers: Counter[str] = Counter()

    def __enter__(self) -> "SiteLoad":
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
            method, path, body = "GET", f"/load/stored/{number % STORED}", b""
            if number % 5 == 0:
                path = f"/load/passed/{number % PASSED}"
            if number % 10 == 0:
                method, body = "POST", f"body {number}".encode()
            self._counts[index] += 1
            try:
                connection.request(method, path, body=body or None)
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{method} {path}: {error!r}")
                connection.close()
                continue
            worker = response.getheader("X-Shoal-Worker", "HAProxy")
            if response.status != 200 or answer != path.encode() * 50 + body:
                self.failures.append(f"{method} {path}: {response.status} of {worker}: {answer[:200]!r}")
            self.workers[worker] += 1
        connection.close()
