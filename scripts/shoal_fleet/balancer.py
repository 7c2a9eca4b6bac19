"""HAProxy brought in line with its file: by the runtime API where only servers differ, else by a reload.

The file is written first: a reload, or a restart after a crash, undoes what the runtime API did.
"""

from __future__ import annotations

import time

from . import haproxy_config, render
from .errors import FleetError, TimedOut
from .fleet import Fleet
from .haproxy_api import HaproxyError, Server
from .supervision import log_tail

_POLL = 0.03
_RELOAD_SECONDS = 20.0
_RELOAD_AGAIN_SECONDS = 3.0
_DELETE_SECONDS = 10.0


def wait_answering(fleet: Fleet) -> None:
    deadline = time.monotonic() + _RELOAD_SECONDS
    while not fleet.runtime.answers():
        if time.monotonic() > deadline:
            raise TimedOut("HAProxy does not answer", "'scripts/fleet logs haproxy' says why")
        _raise_if_failed(fleet)
        time.sleep(_POLL)


def _raise_if_failed(fleet: Fleet) -> None:
    program = fleet.supervisor.programs().get("haproxy")
    if program is not None and program.state in ("BACKOFF", "FATAL"):
        raise FleetError(f"HAProxy does not start\n{log_tail(fleet.layout.logs / 'haproxy.log')}".rstrip(),
                         "if another process has taken a port meanwhile, give another --listen or --admin-listen")


def sync(fleet: Fleet) -> None:
    """Afterwards HAProxy runs what its file says, and has let go of the servers that leave."""
    wait_answering(fleet)
    wanted = haproxy_config.description((fleet.layout.conf / "haproxy.cfg").read_bytes())
    if fleet.runtime.info().get("description") != wanted:
        _reload(fleet, wanted)
    try:
        _sync_servers(fleet)
    except HaproxyError as error:
        # Whatever was left half done by the socket, the file is right.
        fleet.journal.write("reload instead of the runtime API", reason=error.message)
        _reload(fleet, wanted)


def weigh(fleet: Fleet) -> None:
    """Only the weights of the servers that HAProxy has: a drain need not wait for what else there is to do."""
    for server in fleet.runtime.servers():
        for line in render.server_lines(fleet).get(server.backend, []):
            if (line.name, line.id) == (server.name, server.identifier):
                _weigh(fleet, server, line.weight)


def _weigh(fleet: Fleet, server: Server, weight: int) -> None:
    if server.weight != weight:
        fleet.runtime.set_weight(server.backend, server.name, weight)
        fleet.journal.write("server weighed", server=server.name, weight=weight)


def _reload(fleet: Fleet, wanted: str) -> None:
    started = time.monotonic()
    before = fleet.runtime.info().get("Pid")
    fleet.terminal.progress("reloading HAProxy")
    told = 0.0
    while True:
        # A signal that comes while its master is at the reload before is lost.
        if time.monotonic() - told > _RELOAD_AGAIN_SECONDS:
            fleet.supervisor.signal("haproxy", "USR2")
            told = time.monotonic()
        info = _info(fleet)
        if info.get("description") == wanted and info.get("Pid") != before:
            break
        if time.monotonic() - started > _RELOAD_SECONDS:
            raise FleetError("HAProxy did not take its new configuration and goes on with the old one",
                             "'scripts/fleet logs haproxy' says why; then run the same command again")
        time.sleep(_POLL)
    fleet.journal.write("haproxy reloaded", seconds=round(time.monotonic() - started, 3))


def _info(fleet: Fleet) -> dict[str, str]:
    try:
        return fleet.runtime.info()
    except HaproxyError:
        return {}


def _sync_servers(fleet: Fleet) -> None:
    live = {(server.backend, server.name): server for server in fleet.runtime.servers()}
    backends = render.server_lines(fleet)
    wanted = {(backend, line.name): line for backend, lines in backends.items() for line in lines}
    for key, line in wanted.items():
        server = live.get(key)
        if server is not None and server.identifier != line.id:
            raise HaproxyError(f"{line.name} has id {server.identifier} in HAProxy, not {line.id}")
        if server is None:
            definition = haproxy_config.server_definition(fleet.root / "haproxy", line)
            fleet.runtime.add_server(*key, definition)
            fleet.journal.write("server added", server=line.name, id=line.id)
            continue
        if server.administrative:
            fleet.runtime.set_state(*key, "ready")
            fleet.journal.write("server enabled again", server=line.name)
        _weigh(fleet, server, line.weight)
    _remove(fleet, [server for key, server in live.items() if key not in wanted and server.backend in backends])


def _remove(fleet: Fleet, servers: list[Server]) -> None:
    """Off the ring first, deleted once their last request is answered."""
    for server in servers:
        fleet.runtime.set_state(server.backend, server.name, "drain")
    wait_unused(fleet, [(server.backend, server.name) for server in servers])
    for server in servers:
        fleet.runtime.set_state(server.backend, server.name, "maint")
    deadline = time.monotonic() + _DELETE_SECONDS
    for server in servers:
        while not fleet.runtime.delete_server(server.backend, server.name):
            if time.monotonic() > deadline:
                raise HaproxyError(f"{server.name} keeps a connection")
            time.sleep(_POLL)
        fleet.journal.write("server removed", server=server.name, id=server.identifier)


def wait_unused(fleet: Fleet, servers: list[tuple[str, str]]) -> bool:
    """Until they have answered their last requests. False when that takes longer than a worker may drain."""
    deadline = time.monotonic() + fleet.state.options.drain_s
    for backend, name in servers:
        while fleet.runtime.connections_in_use(backend, name):
            if time.monotonic() > deadline:
                return False
            fleet.terminal.progress(f"waiting for the last requests of {name}")
            time.sleep(_POLL)
    return True


def wait_up(fleet: Fleet) -> None:
    """Until HAProxy's health checks have passed for every server."""
    deadline = time.monotonic() + fleet.timeout
    wanted = {(backend, worker): "DRAIN" if place.drained else "UP" for manifest, place, worker in fleet.places()
              if not place.leaving for backend in manifest.backends}
    while True:
        statuses = fleet.runtime.statuses()
        # "UP 1/2" is on its way down.
        down = sorted({key[1] for key, status in wanted.items() if statuses.get(key) != status})
        if not down:
            return
        if time.monotonic() > deadline:
            raise TimedOut(f"HAProxy does not see {', '.join(down)} up",
                           "'scripts/fleet status' and 'scripts/fleet doctor' say more")
        fleet.terminal.progress(f"waiting for HAProxy's checks of {', '.join(down)}")
        time.sleep(_POLL)
