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


def run(url: str, connections: int, seconds: int, script: Path, threads: int = 1) -> Load:
    """`connections` are each thread's."""
    command = ["wrk", f"-t{threads}", f"-c{connections * threads}", f"-d{seconds}s", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"wrk failed: {done.stdout[-300:]}{done.stderr[-300:]}")
    return parse(done.stdout)
