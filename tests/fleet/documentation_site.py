"""Debian's nginx before a copy of Debian's documentation, as somebody would serve it who has never heard of us."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, NamedTuple

import pytest

from protected_site import listens
from shoal_cli import eventually, free_port

NGINX, DOCUMENTATION = Path("/usr/sbin/nginx"), Path("/usr/share/doc")
PACKAGES = ("haproxy", "redis-server", "supervisor")

needs_nginx = pytest.mark.skipif(
    not NGINX.exists() or not (DOCUMENTATION / PACKAGES[0]).is_dir(),
    reason=f"needs nginx-light (scripts/bootstrap test) and {DOCUMENTATION}")

# One header field is for us: a Surrogate-Key with the name of the package.
_CONFIGURATION = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    types {{ text/html html; text/plain txt; }}
    default_type text/plain;
    gzip on;
    gzip_vary on;
    gzip_proxied any;
    gzip_types text/plain;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/tree;
        autoindex on;
        location ~ ^/(?<package>[^/]+)/ {{
            expires 1h;
            add_header Surrogate-Key "documentation package-$package";
        }}
    }}
}}
"""


class Documentation(NamedTuple):
    port: int
    tree: Path
    log: Path

    def paths(self) -> list[str]:
        """Of every file, as a client asks for it."""
        return sorted(f"/{one.relative_to(self.tree)}" for one in self.tree.rglob("*") if one.is_file())

    def fetched(self, path: str) -> int:
        return self.log.read_text().count(f'"GET {path} HTTP')


@contextmanager
def documentation() -> Iterator[Documentation]:
    # Not pytest's own folder: it is closed to the account that nginx runs as.
    folder = Path(tempfile.mkdtemp(prefix="shoal-nginx-"))
    tree, port = folder / "tree", free_port()
    for package in PACKAGES:
        shutil.copytree(DOCUMENTATION / package, tree / package, ignore_dangling_symlinks=True)
    _unpack(tree)
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder, port=port))
    account = None
    if os.geteuid() == 0:
        account = "nobody"
        subprocess.run(["chown", "-R", account, folder], check=True)
    process = subprocess.Popen([NGINX, "-e", folder / "error.log", "-c", folder / "nginx.conf"],
                               stdin=subprocess.DEVNULL, user=account)
    try:
        eventually(lambda: process.poll() is not None or listens(port), 20, "nginx serves")
        assert process.poll() is None, (folder / "error.log").read_text()
        yield Documentation(port, tree, folder / "access.log")
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(tree: Path) -> None:
    """What Debian compresses to save space."""
    for packed in tree.rglob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
