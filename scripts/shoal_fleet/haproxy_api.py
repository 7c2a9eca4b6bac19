"""HAProxy's runtime API over its stats socket: what runs, and servers added and removed without a reload."""

from __future__ import annotations

import csv
import io
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from .errors import FleetError

_TIMEOUT = 5.0
_ENTRY = re.compile(r" key=(.+?) use=.* http_req_rate\(1000\)=(\d+)$", re.MULTILINE)
_ESCAPED = re.compile(r"\\([ =\\])")


class HaproxyError(FleetError):
    """HAProxy did not answer, or refused a command."""


@dataclass(frozen=True)
class Server:
    backend: str
    name: str
    identifier: int
    operational: int
    """0 stopped, 1 starting, 2 running, 3 stopping."""
    administrative: int
    """Bits; 0 is ready."""
    weight: int


class Runtime:
    """Each call is a connection of its own, as the API wants it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def command(self, line: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_TIMEOUT)
                connection.connect(str(self._path))
                connection.sendall(line.encode() + b"\n")
                parts = []
                while part := connection.recv(65536):
                    parts.append(part)
        except OSError as error:
            raise HaproxyError(f"HAProxy does not answer on {self._path}: {error}",
                               "'scripts/fleet up' starts it, 'scripts/fleet logs haproxy' says why it ended") from None
        return b"".join(parts).decode("utf-8", "replace").strip()

    def _quiet(self, line: str, *accepted: str) -> None:
        answer = self.command(line)
        if any(said and not said.startswith(accepted) for said in answer.splitlines()):
            raise HaproxyError(f"HAProxy refused '{line}': {answer}", "run the same command again")

    def info(self) -> dict[str, str]:
        pairs = (line.partition(": ") for line in self.command("show info").splitlines())
        return {name: value for name, separator, value in pairs if separator}

    def answers(self) -> bool:
        try:
            return bool(self.info())
        except HaproxyError:
            return False

    def servers(self) -> list[Server]:
        found = []
        for line in self.command("show servers state").splitlines():
            fields = line.split()
            if len(fields) > 7 and fields[0].isdigit():
                found.append(Server(fields[1], fields[3], int(fields[2]), int(fields[5]), int(fields[6]),
                                    int(fields[7])))
        return found

    def statuses(self) -> dict[tuple[str, str], str]:
        """(backend, server) to UP, DOWN, MAINT, ... as the stats page shows it; UP without a weight is DRAIN."""
        text = self.command("show stat").removeprefix("# ")
        rows = csv.DictReader(io.StringIO(text))
        return {(row["pxname"], row["svname"]): "DRAIN" if (row["status"], row["weight"]) == ("UP", "0")
                else row["status"] for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")}

    def rates(self, table: str) -> dict[str, int]:
        """Of a stick-table of strings: those of the last second, and how often each came."""
        found = _ENTRY.findall(self.command(f"show table {table} data.http_req_rate gt 0"))
        return {_ESCAPED.sub(r"\1", key): int(rate) for key, rate in found}

    def connections_in_use(self, backend: str, server: str) -> int:
        for line in self.command(f"show servers conn {backend}").splitlines():
            fields = line.split()
            if fields and fields[0] == f"{backend}/{server}":
                return int(fields[6])
        return 0

    def add_server(self, backend: str, server: str, definition: str) -> None:
        """`definition` is all that follows the name on a server line: there are no defaults here. In one line, so that
        no server is left without checks by a tool that is killed."""
        name = f"{backend}/{server}"
        self._quiet(f"add server {name} {definition}; enable health {name}; enable server {name}",
                    "New server registered")

    def set_state(self, backend: str, server: str, state: str) -> None:
        """`state` is ready, drain or maint."""
        self._quiet(f"set server {backend}/{server} state {state}")

    def set_weight(self, backend: str, server: str, weight: int) -> None:
        self._quiet(f"set weight {backend}/{server} {weight}")

    def delete_server(self, backend: str, server: str) -> bool:
        """False while a connection to it is left."""
        answer = self.command(f"del server {backend}/{server}")
        if answer.startswith(("Server deleted", "No such server")):
            return True
        if "connection" in answer or "session" in answer:
            return False
        raise HaproxyError(f"HAProxy did not delete {backend}/{server}: {answer}", "run the same command again")
