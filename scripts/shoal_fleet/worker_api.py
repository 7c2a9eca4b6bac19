"""A worker as its sockets show it: the private admin socket, and who listens on the public one."""

from __future__ import annotations

import http.client
import json
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, TypeVar

_AT_ONCE = 32
_Answer = TypeVar("_Answer")


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class WorkerView:
    name: str
    version: str
    generation: int
    incarnation: str
    pid: int
    config_version: int
    workers: int
    """How many its service has, as far as it knows."""
    draining: bool
    uptime: float
    ready: bool


def get(path: Path, target: str, timeout: float = 2.0) -> tuple[int, bytes]:
    """Raises OSError or http.client.HTTPException."""
    connection = _Connection(path, timeout)
    try:
        connection.request("GET", target, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read(1 << 20)
    finally:
        connection.close()


def post(path: Path, target: str, timeout: float = 2.0) -> tuple[int, bytes]:
    """As get()."""
    connection = _Connection(path, timeout)
    try:
        connection.request("POST", target, headers={"Connection": "close", "Content-Length": "0"})
        response = connection.getresponse()
        return response.status, response.read(1 << 20)
    finally:
        connection.close()


def of_each(names: Iterable[str], ask: Callable[[str], _Answer]) -> dict[str, _Answer]:
    """Asks for all at once: those that do not answer hold nobody up."""
    asked = list(names)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(asked, pool.map(ask, asked)))


def view(admin: Path, probe: str = "/-/ready", timeout: float = 2.0) -> WorkerView | None:
    """None when nobody answers there, or not as a worker does."""
    try:
        status, body = get(admin, "/-/config", timeout)
        if status != 200:
            return None
        data: dict[str, Any] = json.loads(body)
        ready, _ = get(admin, probe, timeout)
        return WorkerView(
            name=str(data["name"]),
            version=str(data["version"]),
            generation=int(data["generation"]),
            incarnation=str(data["incarnation"]),
            pid=int(data["pid"]),
            config_version=int(data["config_version"] or 0),
            workers=int(data["config"]["fleet"]["workers"][data["service"]]),
            draining=bool(data["draining"]),
            uptime=float(data["uptime_s"]),
            ready=ready == 200,
        )
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None


def listener_pid(path: Path) -> int | None:
    """The process that listens on a unix socket, as the kernel says; None when nobody does."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except OSError:
        return None
    return int(struct.unpack("3i", credentials)[0])
