"""Addresses to listen on: read, checked, and chosen so that two fleets that start at once don't take the same."""

from __future__ import annotations

import ipaddress
import socket
import time
from pathlib import Path

from .errors import FleetError, UsageError

_FIRST_ADMIN_PORT = 8404


def parse(text: str, what: str = "--listen") -> str:
    """HOST:PORT with a numeric host, as HAProxy writes it. `*:80` and `0.0.0.0:80` mean every address."""
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"{what} {text}: must be HOST:PORT, as 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:80",
                         "a port is 1 to 65535")
    if host == "*":
        host = "0.0.0.0"
    if host == "localhost":
        host = "127.0.0.1"
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise UsageError(f"{what} {text}: '{host}' is not an IP address", "give the address itself, no name") from None
    return f"[{address}]:{int(port)}" if address.version == 6 else f"{address}:{int(port)}"


def split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def dialled(address: str) -> tuple[str, int]:
    """Where a client on this machine reaches who listens there."""
    host, port = split(address)
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


def is_free(address: str) -> bool:
    host, port = split(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def check(address: str, option: str, unprivileged: bool) -> None:
    """Raises FleetError when the account could not listen there."""
    host, port = split(address)
    if unprivileged and port < _first_unprivileged():
        raise FleetError(f"{option} {address}: the fleet's account may not listen below port {_first_unprivileged()}",
                         f"take a higher port, or allow it: sysctl net.ipv4.ip_unprivileged_port_start={port}")
    if not is_free(address):
        raise FleetError(f"{option} {address}: another process listens there, or the address is not this machine's",
                         f"see who: ss -ltnp 'sport = :{port}'; or give another address with {option}")


def _first_unprivileged() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text("ascii"))
    except (OSError, ValueError):
        return 1024


def first_free(taken: set[str]) -> str:
    for port in range(_FIRST_ADMIN_PORT, _FIRST_ADMIN_PORT + 1000):
        address = f"127.0.0.1:{port}"
        if address not in taken and is_free(address):
            return address
    raise FleetError(f"no port from {_FIRST_ADMIN_PORT} on is free", "give one with --admin-listen")


class Choosing:
    """Between seeing that a port is free and listening there, no other fleet of this network namespace chooses.

    An abstract socket is the lock: it belongs to the namespace, as ports do, and goes with its process. It is
    only a courtesy, HAProxy refuses a taken port anyway: so a lock held for too long is passed over.
    """

    def __init__(self, seconds: float = 30.0) -> None:
        self._mutex = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self._mutex.bind("\0shoal-choosing-ports")
                return
            except OSError:
                time.sleep(0.05)

    def done(self) -> None:
        self._mutex.close()
