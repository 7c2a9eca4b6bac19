"""Load by wrk (Debian's package), and how many requests it got answered."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

# The same bytes every time, which costs wrk least.
POST = 'wrk.method = "POST"\n'
# Any of `count` keys, beginning with number `first`: at random, or each in its turn.
_KEYS = """
local count, number, before, after = %(count)d, %(first)d
function init()
    math.randomseed(os.time() * 1000 + %(count)d)
    before, after = wrk.format("POST", "/v1/limits/%(rule)s/bench-@"):match("^(.-)@(.*)$")
end
function request()
    number = %(next)s
    return before .. number .. after
end
"""

# One thread for each of these ports, with a hot key of its own.
_EACH = """
local ports, threads = {%(ports)s}, 0
function setup(thread)
    threads = threads + 1
    thread.addr = wrk.lookup("127.0.0.1", ports[threads])[1]
    thread:set("number", threads)
end
function init()
    wrk.method, wrk.path = "POST", "/v1/limits/%(rule)s/bench-" .. number
end
"""


GET = 'wrk.method = "GET"\n'
# Paths of one object each, in turn, from number `first` on; after the last the first again.
_PATHS = """
local count, number, before, after = %(count)d, %(first)d
function init()
    before, after = wrk.format("GET", "/%(size)d/@"):match("^(.-)@(.*)$")
end
function request()
    number = number + 1
    return before .. number %% count .. after
end
"""
# Paths that no other run asks for, if each of them takes a second.
_NEW_PATHS = """
local number, before, after = 0
function init()
    before, after = wrk.format("GET", "/%(size)d/new-" .. os.time() .. "-@"):match("^(.-)@(.*)$")
end
function request()
    number = number + 1
    return before .. number .. after
end
"""
# Popularity falls with the rank to the power of 0.9; the size goes by the rank.
_ZIPF = """
local count, sizes, sums, requests, total = %(count)d, {%(sizes)s}, {}, {}, 0
function init()
    math.randomseed(%(seed)d)
    for rank = 1, count do
        total = total + 1 / rank ^ 0.9
        sums[rank] = total
        requests[rank] = wrk.format("GET", "/" .. sizes[rank %% #sizes + 1] .. "/zipf-" .. rank)
    end
end
function request()
    local wanted, low, high = math.random() * total, 1, count
    while low < high do
        local middle = math.floor((low + high) / 2)
        if sums[middle] < wanted then low = middle + 1 else high = middle end
    end
    return requests[low]
end
"""
# Requests of one path, each so many milliseconds after the answer to the one before it.
_PACED = """
local ports, threads = {%(ports)s}, 0
function setup(thread)
    threads = threads + 1
    thread.addr = wrk.lookup("127.0.0.1", ports[threads])[1]
end
function init()
    wrk.path = "%(path)s"
end
function delay()
    return %(pause)d
end
"""


def paths(size: int, count: int, first: int = 0) -> str:
    return _PATHS % {"size": size, "count": count, "first": first}


def new_paths(size: int) -> str:
    return _NEW_PATHS % {"size": size}


def zipf(count: int, sizes: Sequence[int], seed: int) -> str:
    return _ZIPF % {"count": count, "sizes": ", ".join(str(size) for size in sizes), "seed": seed}


def paced(ports: Sequence[int], path: str, pause_ms: int) -> str:
    """A thread for each of these ports."""
    return _PACED % {"ports": ", ".join(f'"{port}"' for port in ports), "path": path, "pause": pause_ms}


def each(rule: str, ports: Sequence[int]) -> str:
    return _EACH % {"rule": rule, "ports": ", ".join(f'"{port}"' for port in ports)}


def random_keys(rule: str, count: int) -> str:
    return _KEYS % {"rule": rule, "count": count, "first": 0, "next": "math.random(0, count - 1)"}


def every_key(rule: str, count: int, first: int) -> str:
    return _KEYS % {"rule": rule, "count": count, "first": first, "next": "(number + 1) % count"}


@dataclass(frozen=True)
class Load:
    requests: int
    failed: int
    """Answered with another status than 2xx or 3xx, or not at all."""
    seconds: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def parse(output: str) -> Load:
    """Reads wrk's report. Raises ValueError when it is not one."""
    found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", output)
    if found is None:
        raise ValueError(f"not a report of wrk: {output[:200]!r}")
    unit = {"ms": 0.001, "s": 1.0, "m": 60.0}[found[3]]
    failed = sum(int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", output))
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    if errors is not None:
        failed += sum(int(number) for number in errors.groups())
    return Load(int(found[1]), failed, float(found[2]) * unit)


def run(url: str, connections: int, seconds: int, script: Path, threads: int = 1, core: int | None = None) -> Load:
    """`connections` are each thread's. It runs on that core alone, if one is named."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    command = [*pinned, "wrk", f"-t{threads}", f"-c{connections * threads}", f"-d{seconds}s", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"wrk failed: {done.stdout[-300:]}{done.stderr[-300:]}")
    return parse(done.stdout)
