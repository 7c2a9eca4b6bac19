"""What the fleet is measured beside: nginx with one worker, from Debian's package, in a folder of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

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


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def nginx(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """Its URL and the process that answers."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port))
    server = subprocess.Popen(["/usr/sbin/nginx", "-e", str(folder / "error.log"), "-c", str(config)],
                              stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not children(server.pid):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx did not start: {(folder / 'error.log').read_text()[-500:]}")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/", children(server.pid)
    finally:
        server.terminate()
        server.wait(10)
