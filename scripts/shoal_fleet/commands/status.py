"""scripts/fleet status."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from .. import processes
from ..fleet import Fleet
from ..haproxy_api import HaproxyError
from ..manifest import Manifest
from ..supervisor import Program, SupervisorError
from ..terminal import duration, table
from ..worker_api import WorkerView, view
from .base import add_parser

if TYPE_CHECKING:
    from ..cli import Tool

_EXAMPLES = """\
A worker is serving (ready and up in HAProxy), starting, draining, stopped or failed. Ends with 0 when it could
look, whatever it saw, also when no fleet is up; 'scripts/fleet doctor' ends with 1 when something is wrong.

examples:
  scripts/fleet status
  scripts/fleet status --json | jq '.workers[] | select(.state != "serving")'
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "status", "show what runs", epilog=_EXAMPLES)
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.find()
    as_json = bool(getattr(args, "json", False))
    if fleet is None or not fleet.state.up:
        if as_json:
            print(json.dumps({"up": False, "home": str(tool.home), "workers": [], "others": []}, indent=2))
        else:
            print(f"no fleet is up in {tool.home}; start it with 'scripts/fleet up'")
        return 0
    seen = collect(fleet)
    if as_json:
        print(json.dumps(seen, indent=2))
    else:
        print(table(*rows(seen)))
        print(f"\nat {fleet.url}; stats and /metrics at http://{fleet.state.options.admin_listen}/")
    return 0


def collect(fleet: Fleet) -> dict[str, Any]:
    """All of it as plain values."""
    try:
        programs = fleet.supervisor.programs()
    except SupervisorError:
        programs = {}
    try:
        statuses = fleet.runtime.statuses()
    except HaproxyError:
        statuses = {}
    workers = [_worker(fleet, manifest, place, name, programs, statuses.get((manifest.name, name), "absent"))
               for manifest, place, name in fleet.places()]
    return {
        "up": True,
        "home": str(fleet.home),
        "url": fleet.url,
        "admin": f"http://{fleet.state.options.admin_listen}",
        "account": fleet.state.account,
        "data": fleet.state.data,
        "run": fleet.state.run,
        "config_version": fleet.state.config_version,
        "workers": workers,
        "others": _others(fleet, programs),
    }


def _worker(fleet: Fleet, manifest: Manifest, place: Any, name: str, programs: dict[str, Program],
            balanced: str) -> dict[str, Any]:
    seen = view(fleet.layout.admin(name), manifest.probe, timeout=1.0)
    program = programs.get(place.program.name(name))
    pid = seen.pid if seen else program.pid if program and program.alive else 0
    return {
        "name": name,
        "service": manifest.name,
        "pid": pid or None,
        "state": _state(seen, program, balanced, place.leaving),
        "id": place.id,
        "haproxy": balanced,
        "uptime_s": round(seen.uptime, 1) if seen else None,
        "version": seen.version if seen else None,
        "generation": seen.generation if seen else place.program.generation,
        "config_version": seen.config_version if seen else None,
        "build": place.program.build,
    }


def _state(seen: WorkerView | None, program: Program | None, balanced: str, leaving: bool) -> str:
    if seen is not None:
        if seen.draining or leaving:
            return "draining"
        return "serving" if seen.ready and balanced.startswith("UP") else "starting"
    if program is None:
        return "stopped"
    return {"STARTING": "starting", "RUNNING": "starting", "BACKOFF": "failed", "FATAL": "failed",
            "STOPPING": "draining"}.get(program.state, "stopped")


def _others(fleet: Fleet, programs: dict[str, Program]) -> list[dict[str, Any]]:
    found = []
    for process in processes.of_fleet(fleet.layout, fleet.account.uid):
        if process.kind == "supervisord":
            found.append({"name": "supervisord", "pid": process.pid, "state": "running" if programs else "failed",
                          "uptime_s": None})
    if not found:
        found.append({"name": "supervisord", "pid": None, "state": "stopped", "uptime_s": None})
    workers = {place_program for _, place, name in fleet.places()
               for place_program in (f"{name}a", f"{name}b")}
    for name, program in sorted(programs.items()):
        if name in workers:
            continue
        state = {"RUNNING": "running", "STARTING": "starting", "STOPPING": "draining", "BACKOFF": "failed",
                 "FATAL": "failed"}.get(program.state, "stopped")
        found.append({"name": name, "pid": program.pid or None, "state": state,
                      "uptime_s": round(time.time() - program.started, 1) if program.alive else None})
    return found


def rows(seen: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Header and lines of the table."""
    header = ["NAME", "STATE", "PID", "HAPROXY", "UPTIME", "GENERATION", "VERSION"]

    def line(entry: dict[str, Any]) -> list[str]:
        uptime = entry.get("uptime_s")
        return [entry["name"], entry["state"], str(entry["pid"] or "-"), str(entry.get("haproxy", "-")),
                "-" if uptime is None else duration(uptime), str(entry.get("generation", "-")),
                str(entry.get("version") or "-")]

    return header, [line(entry) for entry in seen["workers"] + seen["others"]]
