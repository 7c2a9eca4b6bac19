"""The processes of a fleet as /proc shows them: found by the run folder in their command line, ended by pidfd."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

from .layout import Layout

POSTGRES = "postgres"
"""Its program, where the fleet runs one."""
STORES = ("redis", "postgres")
"""The kinds that workers ask to their end, and that live on without supervisord."""


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    kind: str
    """supervisord, keeper, haproxy, redis, postgres, waiter (for one of the last two to end), worker or rotate."""
    command: str


def _read(pid: int) -> tuple[int, int, list[str]] | None:
    """(uid, parent, argv); None when it has ended meanwhile."""
    try:
        folder = Path("/proc") / str(pid)
        owner = folder.stat().st_uid
        argv = (folder / "cmdline").read_bytes().decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
        fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] == "Z":
        return None
    return owner, int(fields[1]), argv


def _kind(argv: list[str]) -> str | None:
    """None for what only happens to name the folder, as an editor does."""
    # Redis writes its whole title into the first word.
    program = os.path.basename(argv[0].partition(" ")[0])
    if program in ("haproxy", "redis-server"):
        return program.removesuffix("-server")
    if program in ("postgres", "postgres:"):  # the server, and what it has started
        return "postgres"
    if "--generation" in argv and "--admin" in argv:
        return "worker"
    if any(os.path.basename(word) == "supervisord" for word in argv[:2]):
        return "supervisord"
    if program == "flock":
        return "waiter"
    if any(os.path.basename(word) == "keeper.py" for word in argv[1:3]):
        return "keeper"
    if program == "sh" and "logrotate.conf" in argv[-1]:
        return "rotate"
    return None


def of_fleet(layout: Layout, uid: int) -> list[Process]:
    """Every process of that user whose command line names the fleet's run or configuration folder."""
    marks = (f"{layout.run}/", f"{layout.conf}/")
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        seen = _read(int(entry))
        if seen is None or seen[0] != uid:
            continue
        line, kind = " ".join(seen[2]), _kind(seen[2])
        if kind is not None and any(mark in line for mark in marks):
            found.append(Process(int(entry), seen[1], kind, line))
    return found


def uptime(pid: int) -> float | None:
    """Seconds since it started; None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")


def orphans(layout: Layout, uid: int, supervisor: int | None) -> list[Process]:
    """Those of the fleet's processes that the running supervisord is no ancestor of, but for Redis and PostgreSQL:
    they are asked on, their programs wait to follow them."""
    found = {process.pid: process for process in of_fleet(layout, uid)}

    def supervised(process: Process) -> bool:
        seen: set[int] = set()
        while process.pid not in seen:
            if supervisor is not None and supervisor in (process.pid, process.parent):
                return True
            seen.add(process.pid)
            parent = found.get(process.parent)
            if parent is None:
                return False
            process = parent
        return False

    return [process for process in found.values() if process.kind not in STORES and not supervised(process)]


def is_store(program: str) -> bool:
    return program == POSTGRES or program.startswith("redis-")


def server(layout: Layout, uid: int, program: str) -> Process | None:
    """That of the program `redis-state`, `redis-l2` or `postgres`, whoever started it."""
    kind, mark = "redis", str(layout.redis_socket(program.removeprefix("redis-")))
    if program == POSTGRES:
        kind, mark = "postgres", str(layout.postgres_config)
    found = {process.pid: process for process in of_fleet(layout, uid)
             if process.kind == kind and mark in process.command}
    # What PostgreSQL has just forked has its command line for a moment.
    return next((process for process in found.values() if process.parent not in found), None)


def send(process: Process, which: signal.Signals) -> bool:
    """False when that process is gone. Its number can't have become another's."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        seen = _read(process.pid)
        if seen is None or " ".join(seen[2]) != process.command:
            return False
        signal.pidfd_send_signal(descriptor, which)
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)


def wait_gone(processes: Iterable[Process], seconds: float) -> list[Process]:
    """Waits until they have ended and returns those that have not."""
    deadline = time.monotonic() + seconds
    left = []
    for process in processes:
        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:
            continue
        try:
            readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            seen = _read(process.pid)
            if not readable and seen is not None and " ".join(seen[2]) == process.command:
                left.append(process)
        finally:
            os.close(descriptor)
    return left


def end(processes: list[Process], seconds: float, how: signal.Signals = signal.SIGTERM) -> None:
    """That signal, and SIGKILL for what is still there after that time."""
    for process in processes:
        send(process, how)
    for process in wait_gone(processes, seconds):
        send(process, signal.SIGKILL)
    wait_gone(processes, 5.0)
