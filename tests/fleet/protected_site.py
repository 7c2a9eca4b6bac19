"""A site behind a real proxy that asks a fleet first: the files of deploy/protect, but for ports, paths and patience."""

from __future__ import annotations

import http.client
import http.server
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Mapping

from shoal_cli import ROOT, eventually, free_port

PROTECT = ROOT / "deploy" / "protect"

_NGINX_MAIN = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {more}
    include {folder}/shoal.conf;
}}
"""


class Answering(http.server.ThreadingHTTPServer):
    """Gives everybody the same answer, from `with` on: the site itself, or a fleet that says just that."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, status: int = 200, headers: Mapping[str, str] | None = None, delay: float = 0) -> None:
        self.status, self.headers, self.delay = status, dict(headers or {}), delay
        self.seen: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = int(self.server_address[1])

    def __enter__(self) -> "Answering":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Answering

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(f"{self.command} {self.path}")
        time.sleep(self.server.delay)
        body = b"" if self.server.status == 204 else b"the site\n"
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if self.server.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


def _place(name: str, folder: Path, replaced: Mapping[str, str]) -> None:
    """A file of deploy/protect with each of these replaced; all of them stand in it."""
    text = (PROTECT / name).read_text("utf-8")
    for old, new in replaced.items():
        assert old in text, f"{name} does not say {old}"
        text = text.replace(old, new)
    (folder / {"nginx.conf": "shoal.conf"}.get(name, name)).write_text(text)


@contextmanager
def nginx(folder: Path, fleet: int, site: int, more: str = "", patient: bool = True) -> Iterator[int]:
    """Its port. `patient`: what takes long because the machine is busy is waited for."""
    port = free_port()
    patience = {"500ms": "20s", "250ms": "20s"} if patient else {}
    _place("nginx.conf", folder, {"127.0.0.1:8000": f"127.0.0.1:{port}", "127.0.0.1:8080": f"127.0.0.1:{fleet}",
                                  "127.0.0.1:3000": f"127.0.0.1:{site}", **patience})
    main = folder / "main.conf"
    main.write_text(_NGINX_MAIN.format(folder=folder, more=more))
    with _running(["/usr/sbin/nginx", "-e", str(folder / "error.log"), "-c", str(main)], port):
        yield port


@contextmanager
def haproxy(folder: Path, fleet: int, site: int, patient: bool = True) -> Iterator[int]:
    port, inner = free_port(), free_port()
    _place("haproxy.cfg", folder, {
        "127.0.0.1:8000": f"127.0.0.1:{port}", "127.0.0.1:8001": f"127.0.0.1:{inner}",
        "127.0.0.1:8080": f"127.0.0.1:{fleet}", "127.0.0.1:3000": f"127.0.0.1:{site}",
        "/etc/haproxy/": f"{folder}/", **({"500ms": "20s", "250ms": "20s"} if patient else {})})
    _place("shoal.lua", folder, {"127.0.0.1:8001": f"127.0.0.1:{inner}",
                                 **({"TIMEOUT_MS = 1000": "TIMEOUT_MS = 20000"} if patient else {})})
    with _running(["/usr/sbin/haproxy", "-q", "-db", "-f", str(folder / "haproxy.cfg")], port):
        yield port


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        eventually(lambda: process.poll() is not None or listens(port), 20, f"{command[0]} listens on {port}")
        assert process.poll() is None, f"{command[0]} ended with {process.returncode}"
        yield
    finally:
        process.terminate()
        process.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Client:
    """One that comes from an address of its own, over one connection that it keeps."""

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(address, 0))

    def ask(self, method: str = "GET", headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        body = b"something" if method == "POST" else None
        self._connection.request(method, "/page?a=1", body=body, headers=dict(headers or {}))
        response = self._connection.getresponse()
        content = response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, content

    def close(self) -> None:
        self._connection.close()
