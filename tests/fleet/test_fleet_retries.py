"""What HAProxy sends a second time when a worker ends without an answer: only what may run twice."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Callable, Iterator

import pytest

from shoal_cli import FleetUnderTest, eventually


class Impostor:
    """Takes the names of a place over: ready on the private one, and silent on the public one."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.received: list[str] = []
        self._open: list[socket.socket] = []
        self._listen(folder / f"{worker}.admin", self._ready)
        self._listen(folder / f"{worker}.sock", self._hang_up)

    def _listen(self, path: Path, answer: Callable[[socket.socket], None]) -> None:
        own = path.with_name(f"{path.name}.impostor")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(own))
        os.chmod(own, 0o666)
        listener.listen(64)
        os.rename(own, path)
        self._open.append(listener)
        threading.Thread(target=self._serve, args=(listener, answer), daemon=True).start()

    def _serve(self, listener: socket.socket, answer: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                answer(connection)

    def _ready(self, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def _hang_up(self, connection: socket.socket) -> None:
        if request := connection.recv(65536):
            self.received.append(request.split(b" ")[0].decode())

    def close(self) -> None:
        for listener in self._open:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


@pytest.fixture
def impostor(fleet: FleetUnderTest) -> Iterator[Impostor]:
    fleet.run("scale", "limiter", "1")
    found = Impostor(fleet.run_folder, "limiter-1")
    # The worker sees that its place is taken and closes what HAProxy had kept open.
    eventually(lambda: fleet.request("POST", "/v1/limits/bulk/warm")[0] == 502, 20, "HAProxy reaches the impostor")
    found.received.clear()
    yield found
    found.close()


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("GET", 3), ("DELETE", 3)])
def test_only_what_may_run_twice_is_sent_again(fleet: FleetUnderTest, impostor: Impostor, method: str,
                                               times: int) -> None:
    status, headers, _ = fleet.request(method, "/v1/limits/bulk/one")
    assert status == 502 and headers["content-type"] == "application/problem+json"
    assert impostor.received == [method] * times
