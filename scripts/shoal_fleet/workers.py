"""How a worker of a place is started, and whether it runs as wanted."""

from __future__ import annotations

import json

from . import config
from .fleet import Fleet
from .manifest import Manifest
from .state import Place, Program, worker_name
from .worker_api import WorkerView, listener_pid, view


def command(fleet: Fleet, manifest: Manifest, place_id: int, generation: int, build: str) -> list[str]:
    layout, name = fleet.layout, f"{manifest.name}-{place_id}"
    line = [
        str(layout.binaries / build / manifest.executable),
        "--name", name,
        "--generation", str(generation),
        "--config", str(layout.config),
        "--listen", f"unix:{layout.public(name)}",
        *(["--listen-site", f"unix:{layout.site(name)}"] if manifest.site_front is not None else []),
        "--admin", f"unix:{layout.admin(name)}",
        "--drain-deadline", f"{fleet.state.options.drain_s}s",
    ]
    for instance in config.own_redis(fleet.state.config, {manifest.name: manifest}):
        line += [f"--redis-{instance}", f"unix:{layout.redis_socket(instance)}"]
    for option in manifest.options:
        value = fleet.state.options.values.get(option.option, option.default)
        if value is not None and option.flag is not None:
            line += [option.flag, value]
    return line


def new_program(fleet: Fleet, manifest: Manifest, place_id: int, letter: str = "a",
                build: str | None = None) -> Program:
    generation, build = fleet.state.next_generation(), build or fleet.state.build
    fleet.layout.check_socket_path(f"{manifest.name}-{place_id}")
    return Program(letter, generation, build, config.start_digest(fleet.state.config),
                   command(fleet, manifest, place_id, generation, build), fleet.state.options.drain_s)


def successor(fleet: Fleet, manifest: Manifest, place: Place, build: str | None = None) -> Program:
    return new_program(fleet, manifest, place.id, "b" if place.program.letter == "a" else "a", build)


def outdated(fleet: Fleet, manifest: Manifest, place: Place) -> bool:
    """Whether a worker started now would be another: its build, flags or start settings have changed."""
    program = place.program
    wanted = command(fleet, manifest, place.id, program.generation, fleet.state.build)
    return program.command != wanted or program.settings != config.start_digest(fleet.state.config)


def published(fleet: Fleet, worker: str) -> int:
    """The newest generation that has had the place: an older one can't take it back. 0 when none has."""
    try:
        line = fleet.layout.place_lock(worker).read_text("utf-8").partition("\n")[0]
        return int(json.loads(line)["generation"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def serving(fleet: Fleet, manifest: Manifest, place: Place, program: Program) -> WorkerView | None:
    """What the place's names show when it is that program that serves under all of them, and is ready."""
    name = worker_name(manifest.name, place)
    seen = view(fleet.layout.admin(name), manifest.probe)
    if seen is None or not seen.ready or seen.generation != program.generation or seen.name != name:
        return None
    sockets = [fleet.layout.public(name)] + ([fleet.layout.site(name)] if manifest.site_front is not None else [])
    return seen if all(listener_pid(socket) == seen.pid for socket in sockets) else None
