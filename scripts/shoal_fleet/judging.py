"""Whether the canaries of an upgrade do as well as the other workers of their service. Nothing here asks anybody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterable, Sequence

from .prometheus import Metrics
from .symptoms import Sight

ENOUGH = 50
"""Requests, below which nothing is judged by."""
FEWEST = 5
"""Bad answers, below which they may have come from anything."""
ERRORS = 0.01
SLOWER = 2.0
SLACK_S = 0.02
"""By a factor and by so much: what is quick may well be twice as slow for a moment."""

RULES = f"""\
Canaries are bad when one of them ends by itself, and from {ENOUGH} requests on:
- when {FEWEST} or more of their answers are errors, and more than {ERRORS:.0%} and more than twice the
  others' share: a 5xx, an answer cut off, a connection that HAProxy lost;
- when their p99 in the second half of the watch is more than {SLOWER:g} times that of the others
  and more than {SLACK_S * 1000:.0f} ms above it, and of what the service had before as well; their {FEWEST - 1}
  slowest requests never count.
The others are the rest of the service; where that had too few requests, or is nobody, what its workers did before.
Of canaries with fewer requests only their being ready counts."""


@dataclass(frozen=True)
class Figures:
    """Of some workers together."""

    requests: float = 0
    errors: float = 0
    timed: float = 0
    """Requests that `p99_s` is of."""
    p99_s: float = 0

    @property
    def share(self) -> float:
        return self.errors / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        p99 = f", p99 {self.p99_s * 1000:.1f} ms" if self.timed >= ENOUGH else ""
        return f"{self.requests:.0f} requests, {self.errors:.0f} errors{p99}"


@dataclass(frozen=True)
class Verdict:
    service: str
    canaries: Sequence[str]
    seen: Figures
    others: Figures
    reason: str | None
    """Why they are bad."""

    @property
    def enough(self) -> bool:
        return self.seen.requests >= ENOUGH


def figures(workers: Iterable[str], proxies: Iterable[str], before: Sight, half: Sight, now: Sight) -> Figures:
    """Errors since `before`, times since `half`. Proxies are the workers' backends in HAProxy."""
    every, later, names = Metrics(), Metrics(), sorted(set(workers) & now.workers.keys())
    for name in names:
        metrics = now.workers[name].without(server="admin")
        every.join(metrics.since(before.workers.get(name, Metrics())))
        later.join(metrics.since(half.workers.get(name, Metrics())))
    balanced = now.haproxy.since(before.haproxy)
    lost = sum(balanced.total(f"haproxy_server_{kind}_errors_total", proxy=proxy, server=name)
               for kind in ("connection", "response") for proxy in proxies for name in names)
    failed = sum(every.total("shoal_http_requests_total", code=code)
                 for code in every.values("shoal_http_requests_total", "code") if code.startswith("5"))
    timed = later.total("shoal_http_request_seconds_count")
    # Of fewer than 100 for each that counts for nothing, the 99th percentile would be one of those.
    part = min(0.99, 1 - (FEWEST - 1) / timed) if timed > FEWEST else 0.0
    return Figures(every.total("shoal_http_requests_total") + lost,
                   failed + every.total("shoal_http_truncated_total") + lost,
                   timed, later.quantile("shoal_http_request_seconds", part) or 0.0)


def errors(seen: Figures, others: Figures) -> str | None:
    if seen.requests < ENOUGH or seen.errors < FEWEST or seen.share <= max(ERRORS, 2 * others.share):
        return None
    return (f"{seen.errors:.0f} of {seen.requests:.0f} answers were errors ({seen.share:.1%}), "
            f"{others.share:.1%} of {others.requests:.0f} before or by others")


def slowness(seen: Figures, others: Figures) -> str | None:
    if min(seen.timed, others.timed) < ENOUGH or seen.p99_s <= max(SLOWER * others.p99_s, others.p99_s + SLACK_S):
        return None
    return (f"their p99 was {seen.p99_s * 1000:.1f} ms over {seen.timed:.0f} requests, "
            f"{others.p99_s * 1000:.1f} ms over {others.timed:.0f} before or by others")


def reference(rest: Figures, usual: Figures) -> Figures:
    """What canaries are held against: the rest of their service, or what it did before; as to times the slower of both,
    since a few slow requests more or less make the p99 of a short watch."""
    both = [one for one in (rest, usual) if one.requests >= ENOUGH]
    if not both:
        return Figures()
    slower = max(both, key=lambda one: one.p99_s if one.timed >= ENOUGH else 0.0)
    return replace(both[0], timed=slower.timed, p99_s=slower.p99_s)
