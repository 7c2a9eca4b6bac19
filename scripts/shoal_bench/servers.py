"""What is measured: a whole fleet, a worker alone, HAProxy with nothing but routing, and nginx to compare with."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence

from .cpu import children

_NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok"; }} }}
}}
"""
BARE = """\
global
    maxconn 4096
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend bare
    bind 127.0.0.1:{port}
    default_backend workers
backend workers
    balance hash {expression}
    hash-type consistent
    http-reuse always
    server worker-1 unix@{socket} id 1 weight 256
"""
# The bench's own workers have numbers that no place of its fleet has.
_FIRST_OWN_WORKER = 1000


@dataclass(frozen=True)
class Server:
    """Where it answers, and its processes by what they are called in the table."""

    url: str
    processes: dict[str, list[int]]
    admin: Path | None = None
    """Private socket of its only worker."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def nginx(folder: Path) -> Iterator[Server]:
    port, config = free_port(), folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port))
    command = ["/usr/sbin/nginx", "-e", str(folder / "error.log"), "-c", str(config)]
    with running(command, "nginx", lambda pid: bool(children(pid))) as pid:
        yield Server(f"http://127.0.0.1:{port}", {"nginx": children(pid)})


class Fleet:
    """A fleet of one worker in a home of its own; `with` ends it."""

    def __init__(self, root: Path, folder: Path, binaries: str | None, rules: Sequence[dict[str, Any]]) -> None:
        self._root = root
        self._line = [str(root / "scripts" / "fleet"), "--home", str(folder / "home")]
        config = folder / "limits.json"
        # A benchmark may keep Redis busier than a command's usual 100 ms allow.
        config.write_text(json.dumps({"redis": {"command_timeout": "5s"}, "services": {"limiter": {"rules": rules}}}))
        self._up = ["up", "--workers", "1", "--listen", f"127.0.0.1:{free_port()}", "--config", str(config)]
        self._up += ["--bin", binaries] if binaries else []

    def __enter__(self) -> "Fleet":
        self._run(*self._up)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._line, "down", "--purge"], capture_output=True, check=False)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self._line, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"scripts/fleet {arguments[0]} failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def _status(self) -> dict[str, Any]:
        """At once: what its workers do meanwhile is measured here."""
        found: dict[str, Any] = json.loads(self._run("status", "--json", "--interval", "0"))
        return found

    def scale(self, workers: int) -> None:
        self._run("scale", "limiter", str(workers))

    def server(self) -> Server:
        status = self._status()
        others = {entry["name"]: int(entry["pid"]) for entry in status["others"]}
        workers = status["workers"]
        return Server(str(status["url"]), {
            "haproxy": [others["haproxy"], *children(others["haproxy"])],
            "worker": [int(worker["pid"]) for worker in workers],
            "redis": [others["redis-state"]],
        }, Path(status["run"]) / f"{workers[0]['name']}.admin" if len(workers) == 1 else None)

    @property
    def redis_socket(self) -> Path:
        return Path(self._status()["run"]) / "redis-state.sock"

    @contextmanager
    def worker(self, folder: Path, number: int = 0) -> Iterator[tuple[Server, Path]]:
        """Another worker outside of the ring, beside the fleet's and with its Redis: on TCP as nginx is, and the
        unix socket under which it can be had as well."""
        status = self._status()
        data, port = Path(status["data"]), free_port()
        place, admin = folder / f"worker-{number}.sock", folder / f"worker-{number}.admin"
        binary = data / "bin" / status["workers"][0]["build"] / "shoal-limiter"
        command = [str(binary), "--name", f"limiter-{_FIRST_OWN_WORKER + number}", "--generation", "1",
                   "--config", str(data / "conf" / "config.json"), "--listen", f"tcp:127.0.0.1:{port}",
                   "--listen", f"unix:{place}", "--admin", f"unix:{admin}",
                   "--redis-state", f"unix:{self.redis_socket}"]
        log = folder / f"worker-{number}.log"
        with running(command, "the worker", lambda _: ask(admin, "/-/ready")[0] == 200, log) as pid:
            redis = {"redis": self.server().processes["redis"]}
            yield Server(f"http://127.0.0.1:{port}", {"worker": [pid], **redis}, admin), place

    @contextmanager
    def bare(self, folder: Path, worker: Server, place: Path) -> Iterator[Server]:
        """HAProxy as small as it gets in front of that worker; it hashes, or it would be no shard of a fleet."""
        manifest = json.loads((self._root / "services" / "limiter" / "service.json").read_text())
        port, config = free_port(), folder / "bare.cfg"
        config.write_text(BARE.format(port=port, expression=manifest["key"]["expression"], socket=place))
        command = ["/usr/sbin/haproxy", "-q", "-db", "-f", str(config)]
        with running(command, "haproxy", lambda _: accepts(port)) as pid:
            yield Server(f"http://127.0.0.1:{port}", {"haproxy": [pid], **worker.processes}, worker.admin)


def ask(place: Path, target: str) -> tuple[int, str]:
    """GET over a unix socket: (0, "") when nobody answers."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(place))
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
    except OSError:
        return 0, ""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body.decode("utf-8", "replace")


def keys_in_redis(place: Path) -> int:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(place))
        connection.sendall(b"DBSIZE\r\n")
        return int(connection.recv(64).decode().strip().lstrip(":"))


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(command: list[str], name: str, ready: Callable[[int], bool], log: Path | None = None) -> Iterator[int]:
    """Ends it again. What it says goes to `log`, of which the end is in the error when it does not start."""
    with ExitStack() as stack:
        file = stack.enter_context(open(log, "ab")) if log else None
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        stack.callback(_end, process)
        deadline = time.monotonic() + 20
        while not ready(process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text("utf-8", "replace")[-2000:] if log else ""
                raise RuntimeError(f"{name} did not start: {' '.join(command)}\n{said}".rstrip())
            time.sleep(0.02)
        yield process.pid


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
