"""What an answer of the cache costs beside nginx and Varnish, what an object weighs, and how long a purge takes."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from . import caches, purging, wrk
from .caches import Cache, Core, Redises
from .figures import Figure
from .measure import Bench, Case, Measured, decided
from .weight import weights
from .servers import Server

NAMES = ("hits", "haproxy", "misses", "l2", "zipf", "memory", "purge")
NGINX, VARNISH, WORKER = "nginx proxy_cache", "Varnish", "worker"
# With what Debian has it write to its log in shared memory left out.
UNLOGGED = "Varnish without its log"
_SIZES = (200, 4096, 65536)
_CONNECTIONS = (1, 32)
# Far more than fit in 1 MB of memory.
_BEYOND_MEMORY = 20_000
_ZIPF_OBJECTS = 10_000


@dataclass(frozen=True)
class Plan:
    rounds: int
    only: Sequence[str]
    quick: bool

    def has(self, name: str) -> bool:
        return name in (self.only or NAMES)


class Field:
    """All that is measured, running; nothing but what is asked uses a CPU."""

    def __init__(self, root: Path, folder: Path, binary: Path, core: Core, other: Core) -> None:
        self.root, self.folder, self.binary, self.core, self.other = root, folder, binary, core, other
        self._stack = ExitStack()

    def __enter__(self) -> "Field":
        enter = self._stack.enter_context
        caches.make_origin(self.folder)
        self.origin = enter(caches.origin(self.folder, self.other))
        self.port = int(self.origin.url.rpartition(":")[2])
        self.redises = enter(Redises(self.folder, self.other))
        self.plain = enter(caches.plain_nginx(self.folder, self.core))
        self.nginx = enter(caches.nginx_cache(self.folder, self.port, self.core))
        self.varnish = enter(caches.varnish(self.folder, self.port, self.core))
        self.unlogged = enter(caches.varnish(self.folder, self.port, self.core, logged=False))
        self.worker = self.another(self._stack, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def another(self, stack: ExitStack, number: int, memory: str = "512mb", free: bool = False) -> Cache:
        """`free` to run on any core."""
        return stack.enter_context(caches.worker(self.folder, self.binary, self.redises, self.port,
                                                 None if free else self.core, number, memory))

    def three(self) -> dict[str, Server]:
        return {NGINX: self.nginx, VARNISH: self.varnish.server, WORKER: self.worker.server}

    def weighed(self) -> dict[str, Server]:
        """Filling the log would look like weight of the objects."""
        return {NGINX: self.nginx, UNLOGGED: self.unlogged.server, WORKER: self.worker.server}


Key = tuple[str, str]
"""A server, and a kind of request."""
Costs = dict[Key, Measured]
Table = tuple[str, str, list[Figure]]


def tables(bench: Bench, field: Field, plan: Plan) -> list[Table]:
    """Name, what the ratios are to, and figures of each; the last has what is wanted."""
    found: list[Table] = []
    wanted: list[Figure] = []
    for name, made, counted in (("hits", hits, ("worker",)), ("haproxy", through_haproxy, ("haproxy", "worker")),
                                ("misses", misses, ("worker", "redis")), ("l2", second_level, ("worker", "redis")),
                                ("zipf", zipf, ("worker", "redis"))):
        if not plan.has(name):
            continue
        with ExitStack() as stack:
            cases = made(bench, field, stack)
            costs = dict(zip(cases, bench.rounds(list(cases.values()), plan.rounds)))
        found.append((name, "to nginx", beside(costs, counted)))
        wanted += promises(costs)
    if plan.has("memory"):
        found.append(("memory", "to nginx", weights(bench, field.weighed(), 20_000 if plan.quick else 100_000)))
    if plan.has("purge"):
        wanted += purging.under_load(bench, field, 100 if plan.quick else 400)
    return [*found, ("wanted", "reached", wanted)] if wanted else found


def hits(_: Bench, field: Field, __: ExitStack) -> dict[Key, Case]:
    cases = {}
    for connections in _CONNECTIONS:
        kind = f"200 B, {connections} c."
        cases["nginx: return 200", kind] = Case(f"nginx: return 200, {kind}", field.plain, wrk.GET,
                                                connections=connections)
        cases[UNLOGGED, kind] = Case(f"{UNLOGGED}, {kind}", field.unlogged.server, wrk.GET, "/200/hit",
                                     connections=connections)
        for size in _SIZES:
            kind = f"{size} B, {connections} c."
            for name, server in field.three().items():
                cases[name, kind] = Case(f"{name}, {kind}", server, wrk.GET, f"/{size}/hit", connections=connections)
    return cases


def through_haproxy(_: Bench, field: Field, stack: ExitStack) -> dict[Key, Case]:
    assert field.worker.server.admin is not None
    found = {(VARNISH, "alone"): field.varnish.server, (UNLOGGED, "alone"): field.unlogged.server}
    for name, cache in ((VARNISH, field.varnish), (UNLOGGED, field.unlogged), (WORKER, field.worker)):
        label = name.lower().replace(" ", "-")
        found[name, "HAProxy bare"] = stack.enter_context(caches.bare(field.folder, label, cache, field.core))
        found[name, "HAProxy as shipped"] = stack.enter_context(
            caches.shipped(field.root, field.folder, label, cache, field.worker.server.admin, field.core))
    return {(name, kind): Case(f"{name}, {kind}", server, wrk.GET, "/200/hit", connections=32)
            for (name, kind), server in found.items()}


def misses(_: Bench, field: Field, __: ExitStack) -> dict[Key, Case]:
    return {(name, "miss"): Case(f"{name}, miss of 200 B", server, wrk.new_paths(200))
            for name, server in field.three().items()}


def second_level(bench: Bench, field: Field, stack: ExitStack) -> dict[Key, Case]:
    """What one worker has fetched, from another that has no room to keep it."""
    script = wrk.paths(1024, _BEYOND_MEMORY)
    small = field.another(stack, 2, memory="1mb").server
    for _ in range(10):
        before = decided(small)
        bench.load(small.url, script, 4)
        after = decided(small)
        made = {how: count - before.get(how, 0) for how, count in after.items()}
        if made.get("l2", 0) > 0.9 * sum(made.values()):
            break
    else:
        raise RuntimeError(f"the second level does not have what was fetched: {made}")
    return {("worker", "L2"): Case("worker, L2 hit of 1 KiB", small, script)}


def zipf(bench: Bench, field: Field, _: ExitStack) -> dict[Key, Case]:
    """What is popular is there already."""
    script = wrk.zipf(_ZIPF_OBJECTS, (200, 1024, 4096), 7)
    for server in field.three().values():
        bench.load(server.url + "/", script, 4)
    return {(name, "zipf"): Case(f"{name}, Zipf 0.9", server, script) for name, server in field.three().items()}


def beside(costs: Costs, counted: tuple[str, ...]) -> list[Figure]:
    """Each beside nginx at the same; beside the first of all where nginx has no part."""
    figures = []
    for (_, kind), measured in costs.items():
        base = costs.get((NGINX, kind), next(iter(costs.values())))
        processes = tuple(name for name in measured.samples[0].cpu_us if name in (*counted, "nginx", "varnish"))
        figures.append(Figure.of(measured, base.cpu_us(), processes))
    return figures


def promises(costs: Costs) -> list[Figure]:
    """What of these is wanted, with the median of the rounds' own ratios."""
    def ratio(one: Key, other: Key, wanted: float | None = None) -> list[Figure]:
        if one not in costs or other not in costs:
            return []
        each = [_served(a.cpu_us) / _served(b.cpu_us) for a, b in zip(costs[one].samples, costs[other].samples)]
        return [Figure(f"{', '.join(one)} / {', '.join(other)}", statistics.median(each), wanted=wanted)]

    figures = []
    for connections in _CONNECTIONS:
        kind = f"200 B, {connections} c."
        figures += ratio((WORKER, kind), (NGINX, kind), 0.6)
        figures += ratio((WORKER, kind), (VARNISH, kind), 0.35) + ratio((WORKER, kind), (UNLOGGED, kind))
    for peer, bare, shipped in ((VARNISH, 1.0, 0.75), (UNLOGGED, None, None)):
        figures += ratio((WORKER, "HAProxy bare"), (peer, "alone"), bare)
        figures += ratio((WORKER, "HAProxy as shipped"), (peer, "HAProxy as shipped"), shipped)
    return figures


def _served(cpu_us: dict[str, float]) -> float:
    """A hit needs no Redis: what it does meanwhile is none of the request's."""
    return sum(value for name, value in cpu_us.items() if name != "redis")
