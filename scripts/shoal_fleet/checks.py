"""What `doctor` looks at. Nothing here changes anything."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Callable, Iterator

from . import config, haproxy_config, lock, postgres, processes, render, sections, symptoms
from .alerts import Alert, Finding
from .build import TOOLS
from .converge import is_unfinished
from .errors import FleetError, StoppedMidway
from .fleet import Fleet
from .haproxy_api import HaproxyError
from .ports import is_free
from .report import collect
from .supervisor import SupervisorError
from .workers import outdated
from .tool import Tool

_MIN_DESCRIPTORS = 4096
_MIN_DISK = 1 << 30


def examine(tool: Tool) -> list[Finding]:
    found = [*_machine(tool)]
    if tool.bad_manifest is not None:
        found.append(Finding(tool.bad_manifest.message, tool.bad_manifest.hint))
        return found
    try:
        fleet = tool.find()
    except FleetError as error:
        return [*found, Finding(error.message, error.hint)]
    if fleet is None:
        return found
    for check in (_config, _disk, _postgres):
        found += _guarded(check, fleet)
    if not fleet.state.up:
        return found + _guarded(_down, fleet)
    return found + drift(fleet, collect(fleet)) + symptoms.examine(fleet)


def drift(fleet: Fleet, seen: dict[str, Any]) -> list[Finding]:
    """Where what runs is not what the state says; `seen` is what collect() saw."""
    checks = (_balancing, lambda of: _workers(of, seen), _orphans)
    return [finding for check in checks for finding in _guarded(check, fleet)]


def _guarded(check: Callable[[Fleet], Iterator[Finding]], fleet: Fleet) -> list[Finding]:
    try:
        return list(check(fleet))
    except StoppedMidway:
        raise  # by a signal: nothing of the fleet's
    except FleetError as error:
        return [Finding(error.message, error.hint, Alert.HAPROXY_DOWN if isinstance(error, HaproxyError) else None)]


def _machine(tool: Tool) -> Iterator[Finding]:
    for path in TOOLS:
        if not os.access(path, os.X_OK):
            yield Finding(f"{path} is missing", "scripts/bootstrap run")
    if render.descriptors() < _MIN_DESCRIPTORS:
        connections = haproxy_config.max_connections(render.descriptors())
        yield Finding(f"{render.descriptors()} file descriptors allow HAProxy only {connections} connections",
                      "raise the hard limit: ulimit -Hn 65536, or /etc/security/limits.d")
    if tool.home.exists() and not os.access(tool.home, os.W_OK | os.X_OK):
        yield Finding(f"the home {tool.home} can't be written", "run as its owner, or give another --home")
    holder = lock.holder(tool.home)
    if holder is not None:
        yield Finding(f"the fleet is being changed by {holder}", "wait until it is done")


def _config(fleet: Fleet) -> Iterator[Finding]:
    options = fleet.state.options
    file = Path(options.config) if options.config else None
    given = config.read(file)
    data = sections.with_options(given, fleet.manifests.values(), postgres.option_values(fleet))
    binaries = fleet.layout.binaries / fleet.state.build
    if binaries.is_dir():
        config.check(file, given, fleet.manifests, binaries)
    config.check_secrets(data, fleet.account, sections.configured_secrets(data, fleet.manifests.values()))
    if data != fleet.state.config:
        yield Finding(f"{file} has changed since it was read", "scripts/fleet reload")


def _disk(fleet: Fleet) -> Iterator[Finding]:
    for folder in (fleet.layout.data, fleet.home):
        if folder.exists() and shutil.disk_usage(folder).free < _MIN_DISK:
            yield Finding(f"less than 1 GiB is free on the disk of {folder}", "free room: Redis can't write without",
                          Alert.REDIS_CANT_WRITE)
            return


def _postgres(fleet: Fleet) -> Iterator[Finding]:
    if not postgres.is_wanted(fleet):
        return
    if not postgres.is_installed(fleet.layout):
        yield Finding(f"{postgres.programs(fleet.layout) / 'postgres'} is missing", postgres.INSTALL)
    elif fleet.state.up and not postgres.answers(fleet.layout):
        yield Finding("PostgreSQL takes no connections",
                      "scripts/fleet logs postgres; 'scripts/fleet up' starts it again")


def _down(fleet: Fleet) -> Iterator[Finding]:
    for process in processes.of_fleet(fleet.layout, fleet.account.uid):
        yield Finding(f"the fleet is down, but {process.kind} {process.pid} runs", "scripts/fleet down")
    addresses = {"--listen": fleet.state.options.listen}
    addresses |= {front.option: address for _, front, address in fleet.site_fronts()}
    for option, address in addresses.items():
        if not is_free(address):
            yield Finding(f"something else listens on {address}",
                          f"see who: ss -ltnp; or 'scripts/fleet up {option}' another address")


def _balancing(fleet: Fleet) -> Iterator[Finding]:
    up = "'scripts/fleet up' puts it right"
    wanted = render.files(fleet, fleet.layout.conf)
    for name, content in wanted.items():
        file = fleet.layout.conf / name
        if not file.exists() or file.read_bytes() != content:
            yield Finding(f"{file} is not what the state says", up, Alert.DRIFT)
    description = haproxy_config.description(wanted["haproxy.cfg"])
    if fleet.runtime.info().get("description") != description:
        yield Finding("HAProxy runs another configuration than its file", up, Alert.RELOAD_FAILED)
    live = {(server.backend, server.name): server for server in fleet.runtime.servers()}
    for backend, lines in render.server_lines(fleet).items():
        names = {line.name: line for line in lines}
        for name in sorted(names):
            server = live.get((backend, name))
            if server is None:
                yield Finding(f"HAProxy has no server {name} in {backend}", up, Alert.DRIFT)
            elif server.administrative:
                yield Finding(f"{name} is drained or in maintenance in HAProxy's {backend}", up, Alert.DRIFT)
            elif server.weight != names[name].weight:
                yield Finding(f"{name} has weight {server.weight} in HAProxy's {backend}, not {names[name].weight}", up,
                              Alert.DRIFT)
        for other, name in live:
            if other == backend and name not in names:
                yield Finding(f"HAProxy has server {name} in {backend}, which the state does not", up, Alert.DRIFT)


def _workers(fleet: Fleet, seen: dict[str, Any]) -> Iterator[Finding]:
    for other in seen["others"]:
        if other["state"] in ("failed", "stopped"):
            yield Finding(f"{other['name']} is {other['state']}",
                          f"scripts/fleet logs {other['name']}; 'scripts/fleet up' starts it again", _of(other["name"]))
    for worker in seen["workers"]:
        if worker["state"] not in ("serving", "drained"):
            yield Finding(f"{worker['name']} is {worker['state']} (HAProxy: {worker['haproxy']})",
                          f"scripts/fleet logs {worker['name']}; 'scripts/fleet up' starts what is down",
                          Alert.WORKER_DOWN)
    for manifest, place, name in fleet.places():
        if is_unfinished(fleet, place):
            yield Finding(f"a change of {name} was stopped midway", "'scripts/fleet up' finishes it", Alert.DRIFT)
        elif outdated(fleet, manifest, place):
            yield Finding(f"{name} runs an older build or older options", "'scripts/fleet up' replaces it", Alert.DRIFT)


def _of(program: str) -> Alert | None:
    if program.startswith("redis-"):
        return Alert.REDIS_UNAVAILABLE
    return Alert.HAPROXY_DOWN if program == "haproxy" else None


def _orphans(fleet: Fleet) -> Iterator[Finding]:
    try:
        supervisor = fleet.supervisor.pid()
    except SupervisorError as error:
        yield Finding(error.message, error.hint)
        return
    for process in processes.orphans(fleet.layout, fleet.account.uid, supervisor):
        yield Finding(f"{process.kind} {process.pid} belongs to no supervisord", "'scripts/fleet up' ends it in order")
