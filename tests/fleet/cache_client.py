"""A cached site as its clients and its operators meet it: through HAProxy, or at one worker's own socket."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any, Mapping

import pytest

from shoal_cli import FleetUnderTest, eventually

Answer = tuple[int, dict[str, str], bytes]

owned = pytest.mark.only_under("hash")
"""For tests that speak of a URL's owner: it has one on the ring alone."""


def door(fleet: FleetUnderTest, worker: str | None = None, kind: str = "site", timeout: float = 10) -> socket.socket:
    """A connection to HAProxy, or to that worker; `kind` "sock" is the API's front, "site" that of the sites."""
    if worker is None:
        return socket.create_connection(("127.0.0.1", fleet.site if kind == "site" else fleet.port), timeout)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    connection.connect(str(fleet.run_folder / f"{worker}.{kind}"))
    return connection


def host_of(fleet: FleetUnderTest) -> str:
    """One for all: the URL is the same through HAProxy and at a worker."""
    return f"127.0.0.1:{fleet.site}"


def ask(fleet: FleetUnderTest, path: str, worker: str | None = None, method: str = "GET", kind: str = "site",
        headers: Mapping[str, str] | None = None, body: bytes | None = None, timeout: float = 10) -> Answer:
    connection = http.client.HTTPConnection(host_of(fleet))
    connection.sock = door(fleet, worker, kind, timeout)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        content = response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, content
    finally:
        connection.close()


def body_on(connection: socket.socket) -> bytes:
    """Of the next answer on it."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.read()


def token_of(fleet: FleetUnderTest) -> str:
    return (fleet.data / "secrets" / "cache-purge-token").read_text().strip()


def purge(fleet: FleetUnderTest, worker: str | None = None, **what: Any) -> dict[str, Any]:
    """As the API answers it; `purge(fleet, tags=["a"], soft=True)`."""
    status, _, body = try_to_purge(fleet, worker, **what)
    assert status == 200, (status, body)
    found: dict[str, Any] = json.loads(body)
    return found


def try_to_purge(fleet: FleetUnderTest, worker: str | None = None, **what: Any) -> Answer:
    return ask(fleet, "/v1/cache/purge", worker, "POST", "sock", {"Authorization": f"Bearer {token_of(fleet)}"},
               json.dumps(what).encode())


def url(fleet: FleetUnderTest, path: str) -> str:
    return f"http://{host_of(fleet)}{path}"


def is_hit(answer: Answer) -> bool:
    return "; hit" in answer[1].get("cache-status", "")


def hold(fleet: FleetUnderTest, path: str, headers: Mapping[str, str] | None = None) -> None:
    """Until each of two workers answers it from what it keeps."""
    eventually(lambda: all(is_hit(ask(fleet, path, worker, headers=headers)) for worker in ("cache-1", "cache-2")), 15,
               f"{path} is kept everywhere")


def raw(fleet: FleetUnderTest, request: bytes, worker: str | None = None, seconds: float = 5) -> bytes:
    """Sends this and no more: everything that comes until the other side closes, or nothing has come for so long."""
    with door(fleet, worker, timeout=seconds) as connection:
        found = b""
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                found += part
        except OSError:
            pass
        return found
