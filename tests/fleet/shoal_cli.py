"""scripts/fleet as a test uses it, and requests to what it runs."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Iterator

ROOT = Path(os.environ.get("SHOAL_ROOT", Path(__file__).resolve().parents[2]))
WORKERS = tuple(sorted(f"shoal-{file.parent.name}" for file in (ROOT / "services").glob("*/service.json")))
"""What a folder for `up --bin` must have."""


# Under the tests' own load a command may wait longer than the 100 ms that it usually has: that is no failure here.
PATIENT = {"redis": {"command_timeout": "5s"}}


# Names of the kernel's that go with this process: who has one has the port of its number, as far as tests go.
_claims: list[socket.socket] = []


def free_port() -> int:
    """Below those that the kernel gives to connections, and no other test's until this process ends: between being
    chosen and being listened on, nothing else takes it."""
    end = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port, claim = random.randrange(10_000, max(end, 20_000)), socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0shoal-test-port-{port}")
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port


def eventually(condition: Callable[[], Any], seconds: float, what: str) -> float:
    """Waits until it holds; returns how long that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return time.monotonic() - started


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


class FleetUnderTest:
    def __init__(self, home: Path, binaries: Path, root: Path) -> None:
        self.home, self.binaries, self.root = home, binaries, root
        self.port, self.admin, self.site = free_port(), free_port(), free_port()

    @property
    def listen(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        return [str(self.root / "scripts" / "fleet"), *arguments, "--home", str(self.home)]

    def run(self, *arguments: str, code: int = 0, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        """Runs it and expects that exit code."""
        result = self.try_run(*arguments, timeout=timeout)
        assert result.returncode == code, (
            f"scripts/fleet {' '.join(arguments)} ended with {result.returncode}, not {code}\n"
            f"{result.stdout}\n{result.stderr}")
        return result

    def try_run(self, *arguments: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, check=False)

    def up_line(self, *arguments: str) -> list[str]:
        """On ports that no other test has."""
        return ["up", "--bin", str(self.binaries), "--listen", self.listen,
                "--admin-listen", f"127.0.0.1:{self.admin}", "--cache-listen", f"127.0.0.1:{self.site}", *arguments]

    def up(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run(*self.up_line(*arguments), code=code)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status", "--json", "--interval", "0").stdout)
        return found

    def workers(self) -> dict[str, dict[str, Any]]:
        return {worker["name"]: worker for worker in self.status()["workers"]}

    def pids(self) -> dict[str, int]:
        return {name: worker["pid"] for name, worker in self.workers().items()}

    def other(self, name: str) -> dict[str, Any]:
        return next(entry for entry in self.status()["others"] if entry["name"] == name)

    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.home / "journal.jsonl").read_text().splitlines()]

    @property
    def run_folder(self) -> Path:
        return Path(json.loads((self.home / "state.json").read_text())["run"])

    @property
    def data(self) -> Path:
        return Path(json.loads((self.home / "state.json").read_text())["data"])

    def processes(self) -> list[int]:
        """All processes whose command line names this fleet's folders."""
        marks = [f"{self.run_folder}/".encode(), f"{self.data}/conf/".encode()]
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    line = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if any(mark in line for mark in marks) and alive(int(entry.name)):
                    found.append(int(entry.name))
        return found

    def request(self, method: str, path: str, headers: dict[str, str] | None = None,
                port: int | None = None, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            content = response.read()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, content
        finally:
            connection.close()

    def visit(self, path: str, headers: dict[str, str] | None = None, method: str = "GET",
              body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
        """As a client of a cached site."""
        return self.request(method, path, headers, self.site, body)

    def private(self, worker: str, path: str) -> dict[str, Any]:
        """What a worker answers on its private socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.run_folder / f"{worker}.admin"))
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: shoal\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while part := connection.recv(65536):
                answer += part
        found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return found

    @contextlib.contextmanager
    def left_alone(self) -> Iterator[None]:
        """Nobody kills what has been stopped for long."""
        keeper = int(self.other("keeper")["pid"])
        os.kill(keeper, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(keeper, signal.SIGCONT)

    def admin_port(self) -> int:
        return int(self.status()["admin"].rpartition(":")[2])

    def haproxy(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.run_folder / "haproxy.sock"))
            connection.sendall(command.encode() + b"\n")
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return answer.decode()

    def destroy(self) -> None:
        if (self.home / "state.json").exists():
            self.run("down", "--purge")


Make = Callable[..., FleetUnderTest]
