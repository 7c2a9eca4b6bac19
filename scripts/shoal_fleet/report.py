"""A fleet as it is: what `status` shows and `doctor` judges."""

from __future__ import annotations

import time
from typing import Any

from . import postgres, processes
from .fleet import Fleet
from .haproxy_api import HaproxyError
from .manifest import Manifest
from .state import Place
from .supervisor import Program, SupervisorError
from .worker_api import WorkerView, of_each, view


def collect(fleet: Fleet) -> dict[str, Any]:
    """All of it as plain values."""
    try:
        programs = fleet.supervisor.programs()
    except SupervisorError:
        programs = {}
    try:
        statuses = fleet.runtime.statuses()
        weights = {(server.backend, server.name): server.weight for server in fleet.runtime.servers()}
    except HaproxyError:
        statuses, weights = {}, {}
    probes = {name: manifest.probe for manifest, _, name in fleet.places()}
    views = of_each(probes, lambda name: view(fleet.layout.admin(name), probes[name], timeout=1.0))
    workers = [_worker(manifest, place, name, views[name], programs.get(place.program.name(name)),
                       _balanced(manifest, name, statuses))
               | {"weight": _weight(manifest, name, weights)}
               for manifest, place, name in fleet.places()]
    return {
        "up": True,
        "home": str(fleet.home),
        "url": fleet.url,
        "sites": fleet.site_urls(),
        "admin": f"http://{fleet.state.options.admin_listen}",
        "postgres": postgres.connection_string(fleet.layout) if fleet.state.own_postgres else None,
        "account": fleet.state.account,
        "data": fleet.state.data,
        "run": fleet.state.run,
        "config_version": fleet.state.config_version,
        "workers": workers,
        "others": _others(fleet, programs),
    }


def _balanced(manifest: Manifest, name: str, statuses: dict[tuple[str, str], str]) -> str:
    """What HAProxy says of a worker; where it has it twice, the first that is not as usual."""
    found = [statuses.get((backend, name), "absent") for backend in manifest.backends]
    return next((status for status in found if status not in ("UP", "DRAIN")), found[0])


def _weight(manifest: Manifest, name: str, weights: dict[tuple[str, str], int]) -> int | None:
    """In HAProxy; where it has the worker twice, the lower one: drift, which others name."""
    return min((weights[backend, name] for backend in manifest.backends if (backend, name) in weights), default=None)


def _worker(manifest: Manifest, place: Place, name: str, seen: WorkerView | None, program: Program | None,
            balanced: str) -> dict[str, Any]:
    pid = seen.pid if seen else program.pid if program and program.alive else 0
    return {
        "name": name,
        "service": manifest.name,
        "pid": pid or None,
        "state": _state(seen, program, balanced, place),
        "id": place.id,
        "supervisor": program.state if program else None,
        "haproxy": balanced,
        "uptime_s": _rounded(seen.uptime) if seen else None,
        "version": seen.version if seen else None,
        "generation": seen.generation if seen else place.program.generation,
        "config_version": seen.config_version if seen else None,
        "build": place.program.build,
    }


def _state(seen: WorkerView | None, program: Program | None, balanced: str, place: Place) -> str:
    if seen is not None:
        if seen.draining or place.leaving:
            return "draining"
        if place.drained and seen.ready and balanced == "DRAIN":
            return "drained"
        return "serving" if seen.ready and balanced.startswith("UP") else "starting"
    if program is None:
        return "stopped"
    return {"STARTING": "starting", "RUNNING": "starting", "BACKOFF": "failed", "FATAL": "failed",
            "STOPPING": "draining"}.get(program.state, "stopped")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _others(fleet: Fleet, programs: dict[str, Program]) -> list[dict[str, Any]]:
    found = []
    for process in processes.of_fleet(fleet.layout, fleet.account.uid):
        if process.kind == "supervisord":
            found.append({"name": "supervisord", "pid": process.pid, "state": "running" if programs else "failed",
                          "uptime_s": _rounded(processes.uptime(process.pid))})
    if not found:
        found.append({"name": "supervisord", "pid": None, "state": "stopped", "uptime_s": None})
    workers = {place_program for _, place, name in fleet.places()
               for place_program in (f"{name}a", f"{name}b")}
    for name, program in sorted(programs.items()):
        if name in workers:
            continue
        # supervisord calls a program RUNNING only a second after it has started.
        state = {"RUNNING": "running", "STARTING": "running", "STOPPING": "draining", "BACKOFF": "failed",
                 "FATAL": "failed"}.get(program.state, "stopped")
        server = processes.server(fleet.layout, fleet.account.uid, name) if processes.is_store(name) else None
        found.append({"name": name, "pid": server.pid if server else program.pid or None, "state": state,
                      "uptime_s": _rounded(time.time() - program.started) if program.alive else None})
    return found
