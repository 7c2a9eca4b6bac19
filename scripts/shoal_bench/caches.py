"""The caches that are measured, each in front of the same origin: nginx, Varnish, workers, and HAProxy before them."""

from __future__ import annotations

import json
import os
import pwd
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ContextManager, Iterator, Optional

from shoal_fleet import haproxy_config
from shoal_fleet.manifest import parse

from .cpu import children
from .servers import BARE, Server, accepts, ask, free_port, running

TOKEN = "a-token-of-the-bench"
# What the origin has under /SIZE/anything, in bytes.
SIZES = (200, 1024, 4096, 65536)
_BODY = "x" * 200

_NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/{name}.pid;
error_log {folder}/{name}.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    types_hash_max_size 2048;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/{name}-body;
    proxy_temp_path {folder}/{name}-proxy;
    fastcgi_temp_path {folder}/{name}-fastcgi;
    uwsgi_temp_path {folder}/{name}-uwsgi;
    scgi_temp_path {folder}/{name}-scgi;
{http}
}}
"""
_ORIGIN = """\
    open_file_cache max=16;
    etag off;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {folder}/origin;
        add_header Cache-Control max-age=86400;
        location ~ ^/(?<size>[0-9]+)/ {{ try_files /$size =404; }}
    }}
"""
_PLAIN = """\
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{body}"; }} }}
"""
_PROXY = """\
    proxy_cache_path {folder}/nginx-cache levels=1:2 keys_zone=cache:128m max_size=8g inactive=1d use_temp_path=off;
    upstream origin {{ server 127.0.0.1:{origin}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_cache cache;
        }}
    }}
"""
_VCL = """\
vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{port}"; }}
"""
# Debian's log goes to shared memory even when nobody reads it: without all that a hit writes there it is cheaper.
_UNLOGGED = ("Begin", "End", "Link", "Timestamp", "ReqMethod", "ReqURL", "ReqProtocol", "ReqHeader", "ReqUnset",
             "ReqStart", "ReqAcct", "RespProtocol", "RespStatus", "RespReason", "RespHeader", "RespUnset", "Hit",
             "VCL_call", "VCL_return", "VCL_use", "BereqMethod", "BereqURL", "BereqProtocol", "BereqHeader",
             "BerespProtocol", "BerespStatus", "BerespReason", "BerespHeader", "BereqAcct", "SessOpen", "SessClose",
             "TTL", "Storage", "Length", "Fetch_Body", "BackendOpen", "BackendReuse", "BackendClose", "Filters")


Core = Optional[int]
"""Where a process may run; None on a machine that has but one."""


def on(core: Core) -> list[str]:
    return [] if core is None else ["taskset", "-c", str(core)]


@dataclass(frozen=True)
class Cache:
    """One that answers over TCP, and over a unix socket when something is to stand in front of it."""

    server: Server
    socket: Path
    api: Path | None = None
    """Of a worker: where purges go."""


class Redises:
    """The two instances of the workers: in memory alone, or with the file that a fleet's `state` has."""

    def __init__(self, folder: Path, core: Core, durable: bool = False) -> None:
        self.state, self.l2 = folder / "state.sock", folder / "l2.sock"
        self._stack = ExitStack()
        self._folder, self._core = folder, core
        self._durable = ["--appendonly", "yes", "--appendfsync", "everysec"] if durable else []
        self.pids: list[int] = []

    def __enter__(self) -> "Redises":
        for place, more in ((self.state, self._durable),
                            (self.l2, ["--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lfu"])):
            command = [*on(self._core), "/usr/bin/redis-server", "--port", "0", "--unixsocket", str(place),
                       "--save", "", "--dir", str(self._folder), *more]
            self.pids.append(self._stack.enter_context(
                running(command, "redis-server", lambda _, at=place: at.exists(), self._folder / "redis.log")))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def make_origin(folder: Path) -> None:
    """Files that any account may read."""
    (folder / "origin").mkdir(mode=0o755)
    for size in SIZES:
        (folder / "origin" / str(size)).write_bytes(b"x" * size)
        (folder / "origin" / str(size)).chmod(0o644)


@contextmanager
def _nginx(folder: Path, name: str, http: str, core: Core) -> Iterator[Server]:
    port, config = free_port(), folder / f"{name}.conf"
    config.write_text(_NGINX.format(folder=folder, name=name, http=http.replace("@PORT@", str(port))))
    command = [*on(core), "/usr/sbin/nginx", "-e", str(folder / f"{name}.log"), "-c", str(config)]
    with running(command, "nginx", lambda pid: bool(_serving(pid)) and accepts(port)) as pid:
        yield Server(f"http://127.0.0.1:{port}", {"nginx": _serving(pid)})


def _serving(pid: int) -> list[int]:
    """Not those that load and manage a cache: the loader ends after a minute."""
    return [child for child in children(pid)
            if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"nginx: worker process")]


def origin(folder: Path, core: Core) -> ContextManager[Server]:
    return _nginx(folder, "origin", _ORIGIN.format(folder=folder, port="@PORT@"), core)


def plain_nginx(folder: Path, core: Core) -> ContextManager[Server]:
    return _nginx(folder, "plain", _PLAIN.format(port="@PORT@", body=_BODY), core)


def nginx_cache(folder: Path, origin_port: int, core: Core) -> ContextManager[Server]:
    return _nginx(folder, "proxy", _PROXY.format(folder=folder, port="@PORT@", origin=origin_port), core)


@contextmanager
def varnish(folder: Path, origin_port: int, core: Core, logged: bool = True) -> Iterator[Cache]:
    name, port = "varnish" if logged else "varnish-unlogged", free_port()
    vcl, home, place = folder / f"{name}.vcl", folder / name, folder / "sockets" / name
    vcl.write_text(_VCL.format(port=origin_port))
    vcl.chmod(0o644)
    home.mkdir(mode=0o755)
    place.parent.mkdir(exist_ok=True)
    place.parent.chmod(0o777)
    jail = ["-j", "unix"] if os.geteuid() == 0 and _has_account("vcache") else ["-j", "none"]
    command = [*on(core), "/usr/sbin/varnishd", *jail, "-F", "-n", str(home), "-a", f"127.0.0.1:{port}",
               "-a", f"{place},mode=666", "-f", str(vcl), "-s", "malloc,1g", "-T", "none"]
    if not logged:
        command += ["-p", "vsl_mask=" + ",".join(f"-{tag}" for tag in _UNLOGGED)]
    with running(command, "varnishd", lambda _: accepts(port), folder / f"{name}.log") as pid:
        yield Cache(Server(f"http://127.0.0.1:{port}", {"varnish": children(pid)}), place)


@contextmanager
def worker(folder: Path, binary: Path, redises: Redises, origin_port: int, core: Core, number: int = 1,
           memory: str = "512mb") -> Iterator[Cache]:
    name, port = f"cache-{number}", free_port()
    config, token = folder / f"{name}.json", folder / "token"
    token.write_text(TOKEN)
    config.write_text(json.dumps({"redis": {"command_timeout": "5s"}, "services": {"cache": {
        "memory": memory, "purge": {"token_file": str(token)},
        "sites": [{"name": "bench", "hosts": ["*"], "origins": [f"127.0.0.1:{origin_port}"]}]}}}))
    place, api, admin = (folder / f"{name}.{what}" for what in ("site", "api", "admin"))
    command = [*on(core), str(binary), "--name", name, "--generation", "1", "--config", str(config),
               "--listen", f"unix:{api}", "--listen-site", f"tcp:127.0.0.1:{port}",
               "--listen-site", f"unix:{place}", "--admin", f"unix:{admin}",
               "--redis-state", f"unix:{redises.state}", "--redis-l2", f"unix:{redises.l2}"]
    with running(command, "the worker", lambda _: ask(admin, "/-/ready")[0] == 200, folder / f"{name}.log") as pid:
        pids = {"worker": [pid], "redis": redises.pids}
        yield Cache(Server(f"http://127.0.0.1:{port}", pids, admin), place, api)


@contextmanager
def haproxy(folder: Path, name: str, text: str, port: int, behind: Cache, core: Core) -> Iterator[Server]:
    config = folder / f"haproxy-{name}.cfg"
    config.write_text(text)
    command = [*on(core), "/usr/sbin/haproxy", "-q", "-db", "-f", str(config)]
    with running(command, "haproxy", lambda _: accepts(port), folder / f"haproxy-{name}.log") as pid:
        yield replace(behind.server, url=f"http://127.0.0.1:{port}",
                      processes={"haproxy": [pid], **behind.server.processes})


def bare(folder: Path, name: str, behind: Cache, core: Core) -> ContextManager[Server]:
    port = free_port()
    text = BARE.format(port=port, expression="req.fhdr(host),lower", socket=behind.socket)
    return haproxy(folder, f"bare-{name}", text, port, behind, core)


def shipped(root: Path, folder: Path, name: str, behind: Cache, checks: Path, core: Core) -> ContextManager[Server]:
    """With the very configuration that scripts/fleet writes; its health checks go to `checks`, a worker's."""
    port, file = free_port(), root / "services" / "cache" / "service.json"
    service = parse(file, file.read_text("utf-8"))
    balancer = haproxy_config.Balancer(
        templates=root / "haproxy", conf=root / "haproxy", stats_socket=folder / f"{name}.stats",
        listen=f"127.0.0.1:{free_port()}", admin_listen=f"127.0.0.1:{free_port()}", descriptors=20_000,
        manifests=[service], servers={service.site_backend: [haproxy_config.ServerLine("cache-1", 1, behind.socket,
                                                                                        checks)]},
        sites={service.name: f"127.0.0.1:{port}"})
    return haproxy(folder, f"shipped-{name}", haproxy_config.render(balancer).decode(), port, behind, core)


def _has_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
