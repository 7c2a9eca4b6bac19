"""How long a purge waits for its acknowledgement, with eight workers under load."""

from __future__ import annotations

import json
import socket
import statistics
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from . import wrk
from .caches import TOKEN, Cache
from .figures import Figure
from .measure import Bench

if TYPE_CHECKING:
    from .cache import Field

_WORKERS = 8
_CONNECTIONS = 16
_WANTED_MS = 10.0


def under_load(bench: Bench, field: "Field", count: int) -> list[Figure]:
    """At a quarter of the most that these workers answer together."""
    with ExitStack() as stack:
        workers = [field.another(stack, number, free=True) for number in range(11, 11 + _WORKERS)]
        ports = [int(one.server.url.rpartition(":")[2]) for one in workers]

        def load(pause_ms: int, seconds: int) -> wrk.Load:
            return bench.load(workers[0].server.url + "/", wrk.paced(ports, "/200/hit", pause_ms), seconds,
                              threads=_WORKERS, connections=_CONNECTIONS)

        most = load(0, 3).rate
        pause = max(1, round(_WORKERS * _CONNECTIONS / (most / 4) * 1000))
        rates: list[float] = []
        runner = threading.Thread(target=lambda: rates.append(load(pause, 2 + count // 20).rate))
        runner.start()
        time.sleep(1)
        took = [purge(workers[number % _WORKERS], number) for number in range(count) if runner.is_alive()]
        runner.join()
    if len(took) < count // 2 or not rates:
        raise RuntimeError(f"only {len(took)} of {count} purges while there was load")
    return figures(took, rates[0], most)


def figures(took_ms: list[float], rate: float, most: float) -> list[Figure]:
    """As ratios to what is wanted of the 99th percentile."""
    each = statistics.quantiles(took_ms, n=100)
    under = f"{len(took_ms)} at {rate:,.0f} of {most:,.0f} requests/s"
    return [Figure(f"purge p50 {each[49]:.1f} ms, to {_WANTED_MS:.0f} ms", each[49] / _WANTED_MS),
            Figure(f"purge p99 {each[98]:.1f} ms, to {_WANTED_MS:.0f} ms; {under}", each[98] / _WANTED_MS, wanted=1.0)]


def purge(at: Cache, number: int) -> float:
    """Milliseconds until it was acknowledged by all."""
    assert at.api is not None
    body = json.dumps({"tags": [f"bench-{number}"]}).encode()
    head = (f"POST /v1/cache/purge HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(at.api))
        begun = time.monotonic()
        connection.sendall(head + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
        took = (time.monotonic() - begun) * 1000
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"a purge was answered {answer[:200]!r}")
    found = json.loads(answer.partition(b"\r\n\r\n")[2])
    if len(found["confirmed"]) < _WORKERS:
        raise RuntimeError(f"a purge was confirmed by {len(found['confirmed'])} workers")
    return took
