"""The charts of a page: one kind in each row, a column for each run, on the same scales."""

from __future__ import annotations

from typing import Iterable, Sequence

from . import charts
from .charts import Series
from .results import Point, Run
from .scales import Scale, linear, logarithmic, percentiles

# What a latency is at least on a logarithmic axis, in milliseconds.
_LEAST = 0.01
_PERCENTILES = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p99.9", "p999"), ("max", "max"))


def all_panels(runs: Sequence[Run]) -> list[list[str]]:
    return [_latency(runs), _distribution(runs), _histogram(runs), _rates(runs), _knee(runs), _errors(runs),
            _workers(runs), _cpu(runs)]


def _title(run: Run, text: str) -> str:
    return f"{run.name}: {text}" if run.name else text


def _values(points: Iterable[Point]) -> list[float]:
    return [value for _, value in points]


def _time(runs: Sequence[Run]) -> Scale:
    return linear(point["at_s"] + run.width for run in runs for point in run.points)


def _latency(runs: Sequence[Run]) -> list[str]:
    x = _time(runs)
    y = logarithmic((value for run in runs for _, part in _PERCENTILES for value in _values(run.latency(part))), _LEAST)
    return [charts.lines(_title(run, "latency of what was due then"),
                         [Series(name, run.latency(part), f"p{number}") for number, (name, part) in
                          enumerate(_PERCENTILES)], x, y, "s", "ms") for run in runs]


def _distribution(runs: Sequence[Run]) -> list[str]:
    """All runs in one chart: this is where two are compared."""
    shown = [(run, [point for point in run.distribution() if point[0] < 1]) for run in runs]
    if not any(points for _, points in shown):
        return []
    x = percentiles(max(0.9, *(quantile for _, points in shown for quantile, _ in points)))
    y = logarithmic((value for _, points in shown for value in _values(points)), _LEAST)
    return [charts.lines("latency by percentile", [Series(run.name or "all requests", points, f"c{number}")
                                                    for number, (run, points) in enumerate(shown, 1)],
                         x, y, "share of requests that took no longer", "ms")]


def _histogram(runs: Sequence[Run]) -> list[str]:
    bars = [[(float(start), float(end), float(count)) for start, end, count in run.document["histogram"]]
            for run in runs]
    if not any(bars):
        return []
    x = logarithmic((edge for each in bars for start, end, _ in each for edge in (start, end)), _LEAST / 10)
    y = linear(count for each in bars for _, _, count in each)
    return [charts.histogram(_title(run, "requests by latency"), each, x, y, "ms", "requests")
            for run, each in zip(runs, bars)]


def _rates(runs: Sequence[Run]) -> list[str]:
    x = _time(runs)
    y = linear(value for run in runs for what in ("due", "answered") for value in _values(run.rate(what)))
    return [charts.lines(_title(run, "rate"), [Series("wanted", run.rate("due"), "c3", dashed=True),
                                               Series("sent", run.rate("sent"), "c2"),
                                               Series("answered", run.rate("answered"), "c1")], x, y, "s", "1/s")
            for run in runs]


def _knee(runs: Sequence[Run]) -> list[str]:
    """Latency against rate, where there were several rates."""
    def points(run: Run, part: str) -> list[Point]:
        return sorted((float(step["rate_wanted"]), float(step["latency_ms"][part])) for step in run.document["steps"]
                      if step["rate_wanted"] and step["answered"])

    if all(len(points(run, "p50")) < 2 for run in runs):
        return []
    x = linear(rate for run in runs for rate, _ in points(run, "p50"))
    y = logarithmic((value for run in runs for part in ("p50", "p99") for value in _values(points(run, part))), _LEAST)
    return [charts.lines(_title(run, "latency by rate"), [Series("p50", points(run, "p50"), "p0"),
                                                          Series("p99", points(run, "p99"), "p2")],
                         x, y, "wanted, 1/s", "ms") for run in runs]


def _errors(runs: Sequence[Run]) -> list[str]:
    kinds = sorted({kind for run in runs for kind in run.error_kinds})
    if not kinds:
        return []
    x = _time(runs)
    y = linear(sum(point.get("errors", {}).values()) for run in runs for point in run.points)
    return [charts.stacked(_title(run, "errors of what was due then"),
                           [Series(f"{kind} ({run.error_kinds[kind]})", run.errors(kind), f"c{number % 6 + 1}")
                            for number, kind in enumerate(kinds) if kind in run.error_kinds],
                           run.width, x, y, "s", "requests") for run in runs]


def _workers(runs: Sequence[Run]) -> list[str]:
    if not any(run.document["workers"] for run in runs):
        return []
    found = []
    for run in runs:
        workers = run.document["workers"]
        requests = sum(worker["requests"] for worker in workers.values()) or 1
        keys = sum(worker["keys"] for worker in workers.values()) or 1
        rows = [(name, [("c1", worker["requests"] / requests, f"{worker['requests'] / requests:.1%} of requests",
                         f"{worker['requests']} requests"),
                        ("c2", worker["keys"] / keys, f"{worker['keys'] / keys:.1%} of keys", f"{worker['keys']} keys")])
                for name, worker in sorted(workers.items())]
        found.append(charts.shares(_title(run, "shares of the workers"), rows))
    return found


def _cpu(runs: Sequence[Run]) -> list[str]:
    if not any(run.document["processes"] for run in runs):
        return []
    x = _time(runs)
    y = linear(value for run in runs for process in run.document["processes"] for value in _values(run.cpu(process)))
    return [charts.lines(_title(run, "server CPU per request"),
                         [Series(f"{process['name']} ({process['us_per_request'] or 0:.1f} µs)", run.cpu(process),
                                 f"c{number % 6 + 1}") for number, process in enumerate(run.document["processes"])],
                         x, y, "s", "µs per request") for run in runs]
