"""supervisord by XML-RPC over its unix socket."""

from __future__ import annotations

import http.client
import socket
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable

from .errors import FleetError, TimedOut

RUNNING_STATES = ("STARTING", "RUNNING", "BACKOFF", "STOPPING")

_BAD_NAME = 10
_NOT_RUNNING = 70
_ALREADY_STARTED = 60
_ALREADY_ADDED = 90
_STILL_RUNNING = 91


class SupervisorError(FleetError):
    """supervisord did not answer (fault 0), or refused."""

    def __init__(self, message: str, hint: str = "", fault: int = 0) -> None:
        super().__init__(message, hint)
        self.fault = fault


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection(self._path)


@dataclass(frozen=True)
class Program:
    name: str
    state: str
    pid: int
    started: int
    """Unix seconds; 0 when it never was."""
    exit_status: int
    description: str

    @property
    def alive(self) -> bool:
        return self.state in RUNNING_STATES


class Supervisor:
    """Each program is a group of its own, of the same name: so one can be changed without the others."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._server = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(str(path)))

    def _call(self, method: str, *arguments: Any, ignore: tuple[int, ...] = ()) -> Any:
        try:
            return getattr(self._server.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in ignore:
                return None
            call = f"{method}({', '.join(map(str, arguments))})"
            raise SupervisorError(f"supervisord refused {call}: {fault.faultString}",
                                  "'scripts/fleet logs supervisord' may say why", fault.faultCode) from None
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise SupervisorError(f"supervisord does not answer on {self._path}: {error}",
                                  "'scripts/fleet up' starts it again") from None

    def answers(self) -> bool:
        try:
            return self._call("getState")["statename"] == "RUNNING"
        except SupervisorError:
            return False

    def pid(self) -> int:
        return int(self._call("getPID"))

    def programs(self) -> dict[str, Program]:
        return {
            info["group"]: Program(info["group"], info["statename"], info["pid"], info["start"],
                                   info["exitstatus"], info["spawnerr"] or info["description"])
            for info in self._call("getAllProcessInfo")
        }

    def reread(self) -> tuple[set[str], set[str], set[str]]:
        """Reads the program files again and returns (added, changed, removed) names; nothing is started or stopped."""
        added, changed, removed = self._call("reloadConfig")[0]
        return set(added), set(changed), set(removed)

    def add(self, name: str) -> None:
        self._call("addProcessGroup", name, ignore=(_ALREADY_ADDED,))

    def remove(self, name: str) -> bool:
        """False while it still runs."""
        try:
            self._call("removeProcessGroup", name, ignore=(_BAD_NAME,))
        except SupervisorError as error:
            if error.fault == _STILL_RUNNING:
                return False
            raise
        return True

    def start(self, name: str) -> None:
        self._call("startProcess", name, False, ignore=(_ALREADY_STARTED,))

    def stop(self, name: str) -> None:
        """Sends the stop signal and returns at once."""
        self._call("stopProcess", name, False, ignore=(_NOT_RUNNING, _BAD_NAME))

    def signal(self, name: str, signal: str, must_run: bool = True) -> None:
        self._call("signalProcess", name, signal, ignore=() if must_run else (_NOT_RUNNING,))

    def shutdown(self) -> None:
        self._call("shutdown")

    def wait_stopped(self, names: Iterable[str], seconds: float) -> None:
        wanted = set(names)
        deadline = time.monotonic() + seconds
        while True:
            alive = sorted(name for name, program in self.programs().items() if name in wanted and program.alive)
            if not alive:
                return
            if time.monotonic() > deadline:
                raise TimedOut(f"{', '.join(alive)} did not stop within {seconds:.0f} s",
                               "run the same command again, or see 'scripts/fleet logs'")
            time.sleep(0.05)
