"""What a decision of the limiter costs, case by case, beside what nginx needs for `return 200`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from . import wrk
from .figures import Figure
from .measure import Bench, Case, Measured
from .servers import Fleet, Server, keys_in_redis, nginx

# The most that a rule may give: nobody is refused, and a lease is as large as the load asks for.
_FAST = {"limit": 10_000_000, "period": "1s"}
RULES: list[dict[str, Any]] = [
    {"name": "hot", **_FAST, "burst": 10_000_000},
    # The same rate, but a burst of 7 is too short for a lease (L = B*T/4 < 2*T): each decision is Redis' own.
    {"name": "unleased", **_FAST, "burst": 7, "max_cost": 1},
    # Too slow for a lease, too large a burst to be spent, and what was taken stays in Redis for five minutes.
    {"name": "cold", "limit": 1, "period": "5m", "burst": 100_000},
    {"name": "refusing", "limit": 100, "period": "1s", "burst": 100},
]
_KEYS = 10_000
_HOT = "/v1/limits/hot/alice"

_WORKERS = (1, 2, 4, 8)
_POPULATIONS = (1_000, 10_000, 100_000, 1_000_000)


def decisions(bench: Bench, fleet: Fleet, folder: Path, rounds: int) -> list[Figure]:
    with ExitStack() as stack:
        plain = stack.enter_context(nginx(folder))
        worker, place = stack.enter_context(fleet.worker(folder))
        bare = stack.enter_context(fleet.bare(folder, worker, place))
        cases = {
            # The very bytes that the worker gets.
            "nginx": Case("nginx: return 200", plain, wrk.POST, _HOT),
            "local": Case("worker, local decision", worker, wrk.POST, _HOT),
            "refusal": Case("worker, remembered refusal", worker, wrk.POST, "/v1/limits/refusing/alice", refused=True),
            "redis": Case("worker, through Redis", worker, wrk.random_keys("cold", _KEYS)),
            "unleased": Case("worker, hot key without leases", worker, wrk.POST, "/v1/limits/unleased/alice"),
            "bare": Case("fleet bare", bare, wrk.POST, _HOT),
            "shipped": Case("fleet as shipped", fleet.server(), wrk.POST, _HOT),
        }
        found = dict(zip(cases, bench.rounds(list(cases.values()), rounds)))
    return table_of(found)


def table_of(found: dict[str, Measured]) -> list[Figure]:
    """The figures that are wanted of the cases, each with its ratio to nginx."""
    reference = found["nginx"].cpu_us()
    redis = found["redis"]
    figures = [Figure.of(found["nginx"], reference)]
    figures += [Figure.of(found[name], reference, ("worker",), wanted) for name, wanted in (("local", 1.0),
                                                                                            ("refusal", 1.0))]
    figures += [
        Figure.of(redis, reference, ("worker",), 1.6),
        Figure.of(redis, reference, ("worker", "redis"), 3.0, name="worker and Redis"),
        Figure.of(found["bare"], reference, (), 2.9),
        Figure.of(found["shipped"], reference, (), 4.3),
        _leases(found["local"], found["unleased"]),
    ]
    return figures


def _leases(leased: Measured, unleased: Measured) -> Figure:
    """Decisions per second of Redis' CPU on a hot key, with leases and without."""
    without, with_leases = (1e6 / max(one.cpu_us("redis"), 1e-3) for one in (unleased, leased))
    return Figure(f"per Redis CPU second: {with_leases:,.0f} leased, {without:,.0f} not", with_leases / without,
                  wanted=20.0, at_least=True, from_memory=leased.from_memory)


def by_workers(bench: Bench, fleet: Fleet, folder: Path, rounds: int) -> list[Figure]:
    """Local decisions of 1 to 8 workers at once, each with a key and connections of its own."""
    found: list[Measured] = []
    with ExitStack() as stack:
        workers: list[Server] = []
        for count in _WORKERS:
            while len(workers) < count:
                workers.append(stack.enter_context(fleet.worker(folder, len(workers)))[0])
            processes = {"worker": [pid for one in workers for pid in one.processes["worker"]],
                         "redis": workers[0].processes["redis"]}
            script = wrk.each("hot", [int(one.url.rpartition(":")[2]) for one in workers])
            together = Server(workers[0].url, processes, workers[0].admin)
            found += bench.rounds([Case(f"workers: {count}", together, script, threads=count)], rounds)
    return _growth(found, (), 1.2)


def through_haproxy(bench: Bench, fleet: Fleet, rounds: int) -> list[Figure]:
    """The same load on a whole fleet of 1 to 8 workers. The less each of them has to do, the fewer requests share
    one turn of its loop: so this grows where workers share cores, and nothing is wanted of it."""
    script, found = wrk.random_keys("hot", 32), []
    for workers in _WORKERS:
        fleet.scale(workers)
        found += bench.rounds([Case(f"fleet, workers: {workers}", fleet.server(), script)], rounds)
    fleet.scale(1)
    return _growth(found, (), None)


def by_keys(bench: Bench, fleet: Fleet, folder: Path, rounds: int) -> list[Figure]:
    """Keys that are all in Redis: what a decision about any of them costs the worker and Redis."""
    found = []
    with fleet.worker(folder) as (worker, _):
        for count in _POPULATIONS:
            _populate(bench, worker, fleet.redis_socket, count)
            case = Case(f"through Redis, keys: {count:,}", worker, wrk.random_keys("cold", count))
            found += bench.rounds([case], rounds)
    return _growth(found, ("worker", "redis"), 1.2)


def _populate(bench: Bench, worker: Server, redis: Path, count: int) -> None:
    first = 0
    while keys_in_redis(redis) < count:
        if first > 3 * count:
            raise RuntimeError(f"Redis has {keys_in_redis(redis)} keys after {first} requests for {count}")
        first += bench.load(worker.url, wrk.every_key("cold", count, first), 2).requests


def _growth(found: list[Measured], processes: tuple[str, ...], wanted: float | None) -> list[Figure]:
    """Each beside the first of them: flat is 1."""
    base = found[0].cpu_us(*processes)
    return [Figure.of(one, base, processes, None if one is found[0] else wanted) for one in found]
