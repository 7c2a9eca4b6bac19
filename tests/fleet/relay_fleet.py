"""Two caches and two relays that follow a test's PostgreSQL; what the relays have done, and what is stale."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import contextmanager, suppress
from typing import Any, Callable, Iterable, Iterator, Mapping, Protocol, Sequence

from cache_client import ask, hold, is_hit
from conftest import patient
from postgres_server import PostgresServer, position
from redis_trouble import redis
from shoal_cli import FleetUnderTest, Make, eventually

CACHES = ("cache-1", "cache-2")
RELAYS = ("relay-1", "relay-2")

Rule = Mapping[str, Any]


class Truth(Protocol):
    """What a page's body has to be now."""

    def truth(self, path: str) -> str: ...


@contextmanager
def relayed(make_fleet: Make, dsn: str, rules: Sequence[Rule], origin: str) -> Iterator[FleetUnderTest]:
    fleet = make_fleet()
    fleet.up("--workers", "2", "--config", patient(fleet, section(dsn, rules)), "--origin", origin)
    eventually(lambda: active(fleet), 10, "a relay has the slot")
    yield fleet
    fleet.destroy()


def section(dsn: str, rules: Sequence[Rule], **more: Any) -> dict[str, Any]:
    """Of a configuration's services."""
    return {"relay": {"postgres": dsn, "rules": rules, **more}}


def standing(fleet: FleetUnderTest, relay: str) -> dict[str, Any]:
    """Nothing while it is away."""
    try:
        return fleet.private(relay, "/-/relay")
    except (OSError, ValueError):
        return {}


def active(fleet: FleetUnderTest) -> str | None:
    """The relay that has the slot."""
    return next((name for name in RELAYS if standing(fleet, name).get("role") == "active"), None)


def active_pid(fleet: FleetUnderTest) -> int:
    return fleet.pids()[active(fleet) or "nobody is active"]


def received(fleet: FleetUnderTest) -> int:
    """How far the log was read by who has the slot."""
    return position(standing(fleet, active(fleet) or RELAYS[0]).get("received", "0/0"))


def pass_by(fleet: FleetUnderTest, server: PostgresServer) -> None:
    """Until the relay has read all that the database's log has."""
    end = position(server.lsn())
    eventually(lambda: received(fleet) >= end, 5, "the relay has read the log")


def counted(fleet: FleetUnderTest, name: str) -> int:
    """One of the relays' counters, all together."""
    shown = "\n".join(ask(fleet, "/-/metrics", relay, kind="admin")[2].decode() for relay in RELAYS)
    return sum(int(float(line.split()[-1])) for line in shown.splitlines()
               if line.startswith(f"shoal_relay_{name}_total"))


def purges(fleet: FleetUnderTest) -> int:
    """The sequence of the purge log's last entry."""
    return int(redis(fleet, "HGET", "{cache}:purge:head", "sequence"))


def purged_since(fleet: FleetUnderTest, sequence: int) -> list[int]:
    """How many tags each entry of the purge log has after that one."""
    lines = redis(fleet, "--no-raw", "XRANGE", "{cache}:purge:log", f"({sequence}-0", "+").splitlines()
    return [_packed(after) // 4 for line, after in zip(lines, lines[1:]) if line.endswith('"hard"')]


def _packed(shown: str) -> int:
    """How many bytes a text has that redis-cli shows."""
    inside = shown[shown.index('"') + 1:shown.rindex('"')]
    return len(re.sub(r"\\(x..|.)", "?", inside))


def keep(fleet: FleetUnderTest, *paths: str) -> None:
    """In both caches, which answer them from there."""
    for path in paths:
        hold(fleet, path)


def kept(fleet: FleetUnderTest, path: str) -> bool:
    return all(is_hit(ask(fleet, path, cache)) for cache in CACHES)


def stale(fleet: FleetUnderTest, at: Truth, paths: Iterable[str]) -> list[str]:
    """Those that a cache shows otherwise than the database."""
    return [f"{path} of {cache}: {shown!r}" for path in paths for cache in CACHES
            if (shown := ask(fleet, path, cache)[2].decode()) != at.truth(path)]


def become_fresh(fleet: FleetUnderTest, at: Truth, *paths: str) -> None:
    """Soon, whatever else the machine does."""
    until = time.monotonic() + 2
    while left := stale(fleet, at, paths):
        assert time.monotonic() < until, f"still stale: {left}"


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """They stand still, and go on after it where they live."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def for_a_while(condition: Callable[[], Any], seconds: float, what: str) -> None:
    """It holds at every look from now on."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert condition(), f"no longer: {what}"
