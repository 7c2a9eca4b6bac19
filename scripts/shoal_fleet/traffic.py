"""What each worker did between two looks at its metrics."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import Mapping

from .fleet import Fleet
from .prometheus import Metrics
from .worker_api import get, listener_pid, of_each

HITS = ("l1", "l2", "collapsed", "stale")
"""Results of the cache that were answered without a fetch of their own."""
UNKNOWN: Mapping[str, float | None] = dict.fromkeys(
    ("interval_s", "requests_per_s", "p50_ms", "p99_ms", "in_flight", "loop_stall_ms", "hit_ratio"))

_SECONDS = 1.0
_LATENCY = "shoal_http_request_seconds"
_STALL, _LONGEST_STALL = "shoal_loop_stall_seconds", "shoal_loop_longest_stall_seconds"
_RESULTS = "shoal_cache_requests_total"


@dataclass(frozen=True)
class Sample:
    at: float
    """Monotonic seconds."""
    pid: int
    """Another process begins its counters anew."""
    metrics: Metrics


Look = dict[str, Sample]


def look(fleet: Fleet) -> Look:
    """At all workers at once, each asked for a second at most. Who does not answer is not in it."""
    found = of_each((name for _, _, name in fleet.places()), lambda name: _sample(fleet, name))
    return {name: sample for name, sample in found.items() if sample is not None}


def _sample(fleet: Fleet, name: str) -> Sample | None:
    socket = fleet.layout.admin(name)
    pid = listener_pid(socket)
    if pid is None:
        return None
    try:
        status, body = get(socket, "/-/metrics", timeout=_SECONDS)
    except (OSError, http.client.HTTPException):
        return None
    if status != 200:
        return None
    metrics = Metrics()
    metrics.add(body.decode("utf-8", "replace"))
    return Sample(time.monotonic(), pid, metrics)


def measured(before: Sample | None, now: Sample | None) -> dict[str, float | None]:
    """Of one worker. What is not known is None: all of it when it does not answer now, what needs two looks at one
    process when there are none, times when nothing was asked."""
    found = dict(UNKNOWN)
    if now is None:
        return found
    # HAProxy's checks, and those who ask for metrics, are on the server "admin".
    found["in_flight"] = int(now.metrics.without(server="admin").total("shoal_http_in_flight"))
    if before is None or before.pid != now.pid or now.at <= before.at:
        return found
    grown, seconds = now.metrics.since(before.metrics).without(server="admin"), now.at - before.at
    found["interval_s"] = round(seconds, 3)
    found["requests_per_s"] = round(grown.total(f"{_LATENCY}_count") / seconds, 2)
    found["p50_ms"] = _ms(grown.quantile(_LATENCY, 0.5))
    found["p99_ms"] = _ms(grown.quantile(_LATENCY, 0.99))
    found["loop_stall_ms"] = _ms(_stall(before.metrics, now.metrics, grown))
    if results := grown.total(_RESULTS):
        found["hit_ratio"] = round(sum(grown.total(_RESULTS, result=result) for result in HITS) / results, 4)
    return found


def _stall(before: Metrics, now: Metrics, grown: Metrics) -> float | None:
    """The longest in between: exact when it is the longest since the start, else its bucket's bound."""
    longest = now.total(_LONGEST_STALL)
    if longest > before.total(_LONGEST_STALL):
        return longest
    bound = grown.quantile(_STALL, 1.0)
    return None if bound is None else min(bound, longest)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
