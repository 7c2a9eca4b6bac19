"""HAProxy's configuration from the templates in haproxy/ and the manifests. No service is known here by name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Mapping, Sequence

from .errors import FleetError
from .manifest import Manifest, Retry, SiteFront
from .ring import WEIGHT

METRICS = "metrics.lua"
HOT_KEY_RATE = 10_000
"""Requests a second of one key, below which it stays with its owner."""
HOT_KEYS = "shoal-hot-keys"
"""HAProxy's table of those that are hot, each as BACKEND:KEY."""
_MAX_CONNECTIONS = 20_000


@dataclass(frozen=True)
class ServerLine:
    name: str
    id: int
    public: Path
    """Where requests go."""
    admin: Path
    weight: int = WEIGHT
    """0 is off the ring."""


@dataclass(frozen=True)
class Balancer:
    """All that the configuration depends on."""

    templates: Path
    conf: Path
    """Where it finds the pages of errors, and what it tells Prometheus."""
    stats_socket: Path
    listen: str
    admin_listen: str
    descriptors: int
    manifests: Sequence[Manifest]
    servers: Mapping[str, Sequence[ServerLine]]
    """By backend: a service with a front for sites has two."""
    sites: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the fronts for sites, by service."""
    trusted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Addresses and blocks of proxies before those fronts, by service."""
    tls_cert: Path | None = None
    tls_digest: str = ""
    random_routing: bool = False
    hot_key_rate: int | None = HOT_KEY_RATE
    """None: every key stays with its owner."""
    hard_stop_s: int = 60
    """What an old process still has after a reload."""


def max_connections(descriptors: int) -> int:
    """HAProxy needs two descriptors a connection, and some for listeners, health checks and idle connections."""
    spare = min(1500, descriptors // 4)
    connections = min(_MAX_CONNECTIONS, (descriptors - spare) // 2)
    if connections < 100:
        raise FleetError(f"{descriptors} file descriptors are too few for HAProxy",
                         "raise the limit (ulimit -n 65536) and run again")
    return connections


def server_definition(templates: Path, server: ServerLine) -> str:
    """What follows the server's name, in the file and in the runtime API's `add server` alike."""
    text = (templates / "server.in").read_text("utf-8").strip()
    return Template(text).substitute(public=server.public, id=server.id, weight=server.weight, admin=server.admin)


def render(balancer: Balancer) -> bytes:
    """The whole file. Its `description` depends on everything but the server lines."""
    skeleton = hashlib.sha256()
    skeleton.update(_fill(balancer, "", {}).encode())
    skeleton.update(balancer.tls_digest.encode())
    skeleton.update((balancer.templates / METRICS).read_bytes())
    for page in sorted((balancer.templates / "errors").glob("*.json")):
        skeleton.update(page.read_bytes())
    return _fill(balancer, skeleton.hexdigest()[:12], balancer.servers).encode()


def description(config: bytes) -> str:
    """The name that `render` gave a configuration."""
    for line in config.decode().splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "description":
            return rest
    raise ValueError("not a configuration of ours")


def _fill(balancer: Balancer, skeleton: str, servers: Mapping[str, Sequence[ServerLine]]) -> str:
    backends = [_backend(balancer, manifest, servers.get(manifest.name, ())) for manifest in balancer.manifests]
    backends += [_site_backend(balancer, manifest, manifest.site_front, servers.get(manifest.site_backend, ()))
                 for manifest in balancer.manifests if manifest.site_front is not None]
    rules = _template(balancer, "front.cfg.in").substitute().rstrip("\n")
    return _template(balancer, "haproxy.cfg.in").substitute(
        skeleton=skeleton,
        maxconn=max_connections(balancer.descriptors),
        stats_socket=balancer.stats_socket,
        hard_stop_s=balancer.hard_stop_s,
        conf=balancer.conf,
        errors=balancer.conf / "errors",
        metrics=balancer.conf / METRICS,
        sockets=balancer.stats_socket.parent,
        http_errors=_http_errors(balancer),
        bind=_bind(balancer, balancer.listen),
        admin_bind=balancer.admin_listen,
        front_rules=rules,
        routes=_routes(balancer.manifests),
        site_fronts="".join(_site(balancer, manifest, rules) for manifest in balancer.manifests),
        hot_keys=HOT_KEYS,
        backends="".join(backends).rstrip("\n"),
    )


def _template(balancer: Balancer, name: str) -> Template:
    return Template((balancer.templates / name).read_text("utf-8"))


def _http_errors(balancer: Balancer) -> str:
    lines = []
    for page in sorted((balancer.templates / "errors").glob("*.json")):
        status = page.stem
        retry = " hdr Retry-After 1" if status == "503" else ""
        lines.append(f"    http-error status {status} content-type application/problem+json "
                     f"file {balancer.conf / 'errors' / page.name} hdr Cache-Control no-store{retry}")
    return "\n".join(lines)


def _bind(balancer: Balancer, address: str) -> str:
    if balancer.tls_cert is None:
        return address
    return f"{address} ssl crt {balancer.tls_cert} alpn h2,http/1.1"


def _routes(manifests: Sequence[Manifest]) -> str:
    """As the manifests have them, but what lies below another prefix before it; a prefix matches whole segments."""
    routes: list[tuple[str, str]] = []
    for manifest in manifests:
        for prefix in manifest.path_prefixes:
            above = (at for at, (other, _) in enumerate(routes) if prefix.startswith(other.rstrip("/") + "/"))
            routes.insert(next(above, len(routes)), (prefix, manifest.name))
    lines = []
    for prefix, name in routes:
        if prefix == "/":
            lines.append(f"    use_backend {name} unless {{ path_beg /-/ }}")
        else:
            lines.append(f"    use_backend {name} if {{ path_beg {prefix}/ }} || {{ path {prefix} }}")
    return "\n".join(lines)


def _key(manifest: Manifest) -> list[str]:
    """The last of the rules that holds is the one whose key stays: so the first of the manifest comes last."""
    key = manifest.key
    return [f"    http-request set-var(txn.key) {key.expression}",
            *(f"    http-request set-var-fmt(txn.key) {rule.format} if {rule.when}" for rule in reversed(key.rules))]


def _balance(balancer: Balancer, name: str, key: Sequence[str]) -> str:
    """`key` are rules that set what is hashed."""
    if balancer.random_routing:
        return "    balance random"
    lines = [*key]
    if balancer.hot_key_rate is not None:
        lines.append(_template(balancer, "hot-keys.cfg.in").substitute(
            name=name, rate=balancer.hot_key_rate, table=HOT_KEYS).rstrip("\n"))
    return "\n".join([*lines, "    balance hash var(txn.key)"])


def _site(balancer: Balancer, manifest: Manifest, rules: str) -> str:
    address = balancer.sites.get(manifest.name)
    if address is None:
        return ""
    return _template(balancer, "site.cfg.in").substitute(
        service=manifest.name,
        bind=_bind(balancer, address),
        maxconn=max_connections(balancer.descriptors),
        front_rules=rules,
        forwarded=_forwarded(balancer, manifest),
        backend=manifest.site_backend,
    )


def _forwarded(balancer: Balancer, manifest: Manifest) -> str:
    """What the workers are told of who asked. Proxies that are believed cost each request a little more."""
    proxies = balancer.trusted.get(manifest.name, ())
    scheme = "http" if balancer.tls_cert is None else "https"
    if not proxies:
        return _template(balancer, "forwarded.cfg.in").substitute(scheme=scheme).rstrip("\n")
    lists = "\n".join(f"    acl from-proxy src {proxy}" for proxy in proxies)
    return _template(balancer, "forwarded-by-proxies.cfg.in").substitute(scheme=scheme, proxies=lists).rstrip("\n")


def _backend(balancer: Balancer, manifest: Manifest, servers: Sequence[ServerLine]) -> str:
    bounded = "" if manifest.bounded_load is None else f"    hash-balance-factor {manifest.bounded_load}"
    return _workers(balancer, manifest.name, manifest, manifest.retry, _key(manifest), bounded, servers)


def _site_backend(balancer: Balancer, manifest: Manifest, front: SiteFront, servers: Sequence[ServerLine]) -> str:
    key = [f"    http-request set-var-fmt(txn.key) {front.key}"]
    # As long as an origin may think, and between two pieces of a body that takes its time.
    silence = "    timeout server 60s"
    return _workers(balancer, manifest.site_backend, manifest, front.retry, key, silence, servers)


def _workers(balancer: Balancer, name: str, manifest: Manifest, retry: Retry, key: Sequence[str], more: str,
             servers: Sequence[ServerLine]) -> str:
    return _template(balancer, "backend.cfg.in").substitute(
        name=name,
        balance=_balance(balancer, name, key),
        more=more,
        attempts=retry.attempts,
        retry_on=" ".join(retry.on) or "none",
        methods=" ".join(retry.methods) or "NONE",
        probe=manifest.probe,
        servers="\n".join(f"    server {server.name} {server_definition(balancer.templates, server)}"
                          for server in servers),
    )
