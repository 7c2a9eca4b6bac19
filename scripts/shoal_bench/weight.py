"""What an object of 1 KiB weighs in each cache: how much its processes grow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping

from . import wrk
from .figures import Figure
from .measure import Bench
from .servers import Server

_SIZE = 1024


def weights(bench: Bench, servers: Mapping[str, Server], objects: int) -> list[Figure]:
    """Bytes of memory an object. nginx has bodies and heads in files: what it has in memory are its keys alone."""
    found = {name: _weight(bench, name, server, objects) for name, server in servers.items()}
    base = next(iter(found.values()))
    return [Figure(f"{name}, bytes an object of {_SIZE}: {weight:,.0f}", weight / base)
            for name, weight in found.items()]


def _weight(bench: Bench, name: str, server: Server, objects: int) -> float:
    serving = [pid for process, pids in server.processes.items() if process != "redis" for pid in pids]
    # What any load needs is there before.
    bench.load(server.url + "/", wrk.new_paths(_SIZE), 1)
    before, asked = sum(map(resident, serving)), 0
    while asked < objects:
        left = max(1, min(4, (objects - asked) // 4000))
        asked += bench.load(server.url + "/", wrk.paths(_SIZE, 1_000_000_000, asked), left).requests
    return (sum(map(resident, serving)) - before) / asked


def resident(pid: int) -> int:
    """Bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
