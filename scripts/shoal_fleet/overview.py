"""What a fleet does, for people: two tables and what stands below them, from the values of `status --json`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping, Sequence

from .terminal import duration, paint, table

_STATES = {"failed": "red", "stopped": "red", "starting": "yellow", "draining": "yellow", "drained": "yellow"}
_ALWAYS = 99


@dataclass(frozen=True)
class _Column:
    header: str
    field: str
    show: Callable[[Any], str] = str
    right: bool = False
    stays: int = _ALWAYS
    """Of those that do not fit, the lowest go first."""
    steady: bool = False
    """There also while nothing is known, so that it does not come and go with the traffic."""


def _ms(value: float) -> str:
    if value >= 1000:
        return f"{value / 1000:.1f}s"
    return f"{value:.2f}ms" if value < 1 else f"{value:.1f}ms" if value < 100 else f"{value:.0f}ms"


def _rate(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _percent(value: float) -> str:
    return f"{value:.1%}"


# The id is in the name, and what the supervisor and HAProxy say is most of a state.
_WORKERS = (
    _Column("WORKER", "name"),
    _Column("STATE", "state"),
    _Column("REQ/S", "requests_per_s", _rate, right=True, steady=True),
    _Column("P50", "p50_ms", _ms, right=True, steady=True),
    _Column("P99", "p99_ms", _ms, right=True, steady=True),
    _Column("FLIGHT", "in_flight", right=True),
    _Column("STALL", "loop_stall_ms", _ms, right=True, steady=True, stays=8),
    _Column("HITS", "hit_ratio", _percent, right=True),
    _Column("SHARE", "ring_share", _percent, right=True, stays=7),
    _Column("WEIGHT", "weight", right=True, stays=4),
    _Column("HAPROXY", "haproxy", stays=6),
    _Column("SUPERVISOR", "supervisor", stays=2),
    _Column("ID", "id", right=True, stays=1),
    _Column("PID", "pid", right=True, stays=5),
    _Column("UPTIME", "uptime_s", duration, right=True, stays=7),
    _Column("VERSION", "version", stays=3),
)
_OTHERS = (
    _Column("OTHER", "name"),
    _Column("STATE", "state"),
    _Column("PID", "pid", right=True),
    _Column("UPTIME", "uptime_s", duration, right=True),
)


def lines(seen: Mapping[str, Any], width: int) -> list[str]:
    """The last one is the verdict."""
    if not seen["up"]:
        return [f"no fleet is up in {seen['home']}; start it with 'scripts/fleet up'"]
    sites = "".join(f"; {service}'s sites at {url}" for service, url in seen["sites"].items())
    own = [psql(seen["postgres"])] if seen.get("postgres") else []
    return [*tables(seen, width), "", f"at {seen['url']}{sites}; stats and /metrics at {seen['admin']}/", *own,
            _verdict(seen["changing"], seen["drift"])]


def psql(connection: str) -> str:
    return f"PostgreSQL, for trying it out: psql '{connection}'"


def tables(seen: Mapping[str, Any], width: int) -> list[str]:
    """Columns that nothing is known for, or that do not fit, are left out."""
    two_looks = any(worker.get("interval_s") is not None for worker in seen["workers"])
    columns = [column for column in _WORKERS if (column.steady and two_looks) or _known(column, seen["workers"])]
    return [*_table(columns, seen["workers"], width), "", *_table(_OTHERS, seen["others"], width)]


def _known(column: _Column, entries: Sequence[Mapping[str, Any]]) -> bool:
    return any(entry.get(column.field) is not None for entry in entries)


def _table(columns: Iterable[_Column], entries: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    shown = list(columns)
    while True:
        made = table([column.header for column in shown],
                     [[_cell(column, entry.get(column.field)) for column in shown] for entry in entries],
                     [column.header for column in shown if column.right]).splitlines()
        least = min(shown, key=lambda column: column.stays, default=None)
        if least is None or least.stays == _ALWAYS or max(map(len, made)) <= width:
            return made
        shown.remove(least)


def _cell(column: _Column, value: Any) -> str:
    return "-" if value is None else column.show(value)


def _verdict(changing: str | None, drift: list[str]) -> str:
    if changing is not None:
        return f"being changed by {changing}"
    return f"drift: {'; '.join(drift)}" if drift else "no drift: all runs as wanted"


def coloured(line: str) -> str:
    """A line that has its final width, on a terminal."""
    if line.startswith("drift:"):
        return paint("drift:", "red") + line.removeprefix("drift:")
    state = re.match(rf"([\w-]+ +)({'|'.join(_STATES)})\b", line)
    return line if state is None else state[1] + paint(state[2], _STATES[state[2]]) + line[state.end():]
