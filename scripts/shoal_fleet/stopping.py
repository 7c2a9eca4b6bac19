"""The whole fleet stopped: clients first, then workers, then PostgreSQL and Redis, then supervisord, then what was
left over."""

from __future__ import annotations

import signal
import time

from . import processes
from .errors import FleetError, TimedOut
from .fleet import Fleet
from .layout import remove_run
from .processes import POSTGRES
from .ring import WEIGHT
from .supervisor import SupervisorError
from .supervisor_config import POSTGRES_STOP_S

_GRACE_SECONDS = 3.0
_REDIS_SECONDS = 60.0


def stop(fleet: Fleet) -> None:
    """Afterwards no process of the fleet is left. Safe when nothing runs, and after a crash at any step."""
    fleet.state.up = False
    fleet.save()
    # From here on nobody starts a supervisord.
    processes.end([process for process in processes.of_fleet(fleet.layout, fleet.account.uid)
                   if process.kind == "keeper"], 5.0)
    if fleet.supervisor.answers():
        _stop_programs(fleet)
        _stop_supervisord(fleet)
    _end_leftovers(fleet)
    _forget_replacements(fleet)
    remove_run(fleet.layout, fleet.account)


def _stop_programs(fleet: Fleet) -> None:
    supervisor = fleet.supervisor
    alive = {name for name, program in supervisor.programs().items() if program.alive}
    infrastructure = {name for name in alive if name in ("haproxy", "keeper", "rotate") or processes.is_store(name)}
    if "haproxy" in alive:
        fleet.terminal.progress("HAProxy finishes its requests")
        try:
            supervisor.signal("haproxy", "USR1")
            supervisor.wait_stopped(["haproxy"], _GRACE_SECONDS)
        except (SupervisorError, TimedOut):
            supervisor.stop("haproxy")
    workers = alive - infrastructure
    for name in workers:
        supervisor.stop(name)
    _wait(fleet, workers | (infrastructure & {"haproxy"}), "workers drain", fleet.ending_s)
    if POSTGRES in alive:
        supervisor.stop(POSTGRES)
        _wait(fleet, {POSTGRES}, "PostgreSQL shuts down", POSTGRES_STOP_S + 15.0)
    for name in infrastructure - {"haproxy", POSTGRES}:
        supervisor.stop(name)
    _wait(fleet, infrastructure, "Redis writes its data to disk", _REDIS_SECONDS)


def _wait(fleet: Fleet, names: set[str], what: str, seconds: float) -> None:
    fleet.terminal.progress(what)
    fleet.supervisor.wait_stopped(names, seconds)


def _stop_supervisord(fleet: Fleet) -> None:
    fleet.terminal.progress("supervisord ends")
    fleet.supervisor.shutdown()
    deadline = time.monotonic() + 30.0
    while any(p.kind == "supervisord" for p in processes.of_fleet(fleet.layout, fleet.account.uid)):
        if time.monotonic() > deadline:
            raise TimedOut("supervisord does not end", "run 'scripts/fleet down' again")
        time.sleep(0.03)


def _end_leftovers(fleet: Fleet) -> None:
    """What a killed supervisord had started."""
    left = processes.of_fleet(fleet.layout, fleet.account.uid)
    # Redis last: a draining worker still writes to it.
    processes.end([process for process in left if process.kind not in processes.STORES], fleet.ending_s)
    _end_postgres(fleet)
    processes.end([process for process in left if process.kind == "redis"], 30.0)
    if remaining := processes.of_fleet(fleet.layout, fleet.account.uid):
        raise FleetError("can't end " + ", ".join(f"{process.kind} {process.pid}" for process in remaining),
                         "see what they wait for, and run 'scripts/fleet down' again")


def _end_postgres(fleet: Fleet) -> None:
    server = processes.server(fleet.layout, fleet.account.uid, POSTGRES)
    if server is not None:
        processes.end([server], POSTGRES_STOP_S, signal.SIGINT)
    # What it had forked sees that it is gone, unless it stands still.
    processes.end([process for process in processes.of_fleet(fleet.layout, fleet.account.uid)
                   if process.kind == "postgres"], _GRACE_SECONDS)


def _forget_replacements(fleet: Fleet) -> None:
    for places in fleet.state.services.values():
        for place in places:
            place.next, place.weight = None, WEIGHT
    services = {service: fleet.state.staying(service) for service in fleet.state.services}
    fleet.state.services = {service: staying for service, staying in services.items() if staying}
    fleet.state.own_postgres = False
    fleet.save()
