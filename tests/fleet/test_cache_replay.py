"""A real access log, replayed twice: the metrics count what the answers say in Cache-Status, and the second time nearly
everything is from the cache."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Sequence

from access_log import Entry, entries, needs_log
from conftest import patient
from origin_server import Asked, Origin, Page
from shoal_cli import FleetUnderTest, Make

CLIENTS = 4
# The site keeps what is no larger. What is larger streams through, and is cut down to be just that: its size does not
# matter then.
MAX_OBJECT = 4 << 20


@needs_log
def test_an_access_log_replayed_twice(make_fleet: Make, routing: str) -> None:
    log = entries()
    sizes: Counter[str] = Counter()
    for entry in log:
        if entry.method == "GET" and entry.status == 200:
            sizes[entry.target] = min(max(sizes[entry.target], entry.size), MAX_OBJECT + 1)
    with Origin({"/*": lambda asked: page(asked, sizes)}) as origin:
        fleet = make_fleet()
        config = patient(fleet, {"cache": {"sites": [
            {"name": "log", "hosts": ["*"], "origins": [origin.address], "max_object": "4mb"}]}})
        fleet.up("--workers", "2", "--config", config, "--routing", routing)

        first = replay(fleet, log, sizes)
        metrics = counted(fleet)
        assert metrics == first, "the metrics count what Cache-Status says"
        again = replay(fleet, log, sizes)
        metrics = counted(fleet)
        assert metrics == first + again
        fetched = origin.count()
        fleet.destroy()

    print(f"first {share(first):.4f} {dict(first)}, again {share(again):.4f} {dict(again)}")
    hits = sum((first + again)[kind] for kind in ("hit", "collapsed"))
    assert fetched == 2 * len(log) - hits, "each other request was one fetch"
    repeated = len(log) - len({entry.target for entry in log})
    kept = [entry for entry in log if entry.method in ("GET", "HEAD") and sizes[entry.target] <= MAX_OBJECT]
    assert share(first) > 0.95 * repeated / len(log), "what is asked for again is there"
    assert share(again) > 0.995 * len(kept) / len(log) > 0.98


def page(asked: Asked, sizes: Counter[str]) -> Page:
    return Page(bytes(sizes[asked.target]), headers={"Cache-Control": "max-age=86400"})


def replay(fleet: FleetUnderTest, log: Sequence[Entry], sizes: Counter[str]) -> Counter[str]:
    """By what Cache-Status says. The clients share the log, and go at the same time."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        parts = pool.map(lambda client: visit(fleet, log[client::CLIENTS], sizes), range(CLIENTS))
        return sum(parts, Counter())


def visit(fleet: FleetUnderTest, log: Sequence[Entry], sizes: Counter[str]) -> Counter[str]:
    seen: Counter[str] = Counter()
    connection = http.client.HTTPConnection("127.0.0.1", fleet.site, timeout=30)
    for entry in log:
        connection.request(entry.method, entry.target)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (entry, answer.status)
        assert len(body) == (0 if entry.method == "HEAD" else sizes[entry.target]), entry
        seen[said(answer.getheader("Cache-Status", ""))] += 1
    connection.close()
    return seen


def said(status: str) -> str:
    """RFC 9211: answered by this cache, with another's fetch, or with one of its own."""
    cache, *parameters = (part.strip() for part in status.split(";"))
    assert cache == "shoal", status
    return next((kind for kind in ("hit", "collapsed") if kind in parameters), "fetched")


def counted(fleet: FleetUnderTest) -> Counter[str]:
    """The same by the metrics."""
    found: dict[str, Any] = json.loads(fleet.run("cache", "stat", "--json").stdout)["sites"]["log"]
    hits = found["l1"] + found["l2"] + found["stale"] + found["collapsed"]
    assert found["hit_ratio"] == round(hits / found["requests"], 4) and found["stale"] == found["error"] == 0
    return +Counter({"hit": found["l1"] + found["l2"], "collapsed": found["collapsed"],
                     "fetched": found["requests"] - hits})


def share(seen: Counter[str]) -> float:
    return (seen["hit"] + seen["collapsed"]) / sum(seen.values())
