"""Services' sections of the configuration: whether there is anything to do for a service, what options of `up` put
into its section, and the secrets that the fleet makes for it."""

from __future__ import annotations

import copy
import ipaddress
import os
import re
import secrets
from pathlib import Path
from typing import Any, Iterable, Mapping

from . import postgres
from .errors import FleetError, UsageError
from .files import write_atomically
from .fleet import Fleet
from .manifest import Manifest, Option, Secret, SiteFront

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SECRET_BYTES = 32


def runs(manifest: Manifest, data: Mapping[str, Any]) -> bool:
    """False while the configuration lacks what the service runs with."""
    service, name = manifest.runs_with_field
    return manifest.runs_with is None or bool(_section(data, service).get(name))


def value(option: Option, text: str) -> str:
    """What the operator gave, as it is kept. Raises UsageError."""
    if option.kind == "origin":
        return origin(text, option.option)
    return postgres.connection(text, option.option) if option.kind == "postgres" else text


def origin(text: str, option: str) -> str:
    """HOST:PORT of an http:// URL, or unix:/PATH."""
    wrong = f"{option} {text}: "
    hint = f"give {option} http://HOST:PORT or {option} unix:/PATH"
    if text.startswith("unix:"):
        if not text.startswith("unix:/") or text.endswith("/"):
            raise UsageError(wrong + "the path of the socket must begin with a slash", hint)
        return text
    scheme, separator, rest = text.partition("://")
    if scheme.lower() == "https":
        raise UsageError(wrong + "TLS to an origin is not spoken; it must be reachable by plain HTTP",
                         f"{hint}; across machines, through a tunnel or a private network")
    if not separator or scheme.lower() != "http":
        raise UsageError(wrong + "is not the URL of an origin", hint)
    authority = rest.removesuffix("/")
    host, _, port = authority.rpartition(":") if not authority.endswith("]") and ":" in authority else (authority, "",
                                                                                                       "80")
    if any(one in authority for one in "/?#@"):
        raise UsageError(wrong + "only the server is named: no path, query or user", hint)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536 or not _is_host(host):
        raise UsageError(wrong + "is not a host and a port", hint)
    return f"{host.lower()}:{int(port)}"


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return bool(_HOST.fullmatch(host))
    try:
        return host.endswith("]") and ipaddress.ip_address(host[1:-1]).version == 6
    except ValueError:
        return False


def with_options(data: Mapping[str, Any], manifests: Iterable[Manifest], values: Mapping[str, str]) -> dict[str, Any]:
    """The configuration with what the options of `up` set in it. Raises FleetError where both say something."""
    merged = copy.deepcopy(dict(data))
    for manifest in manifests:
        for option in manifest.options:
            if option.sets is None or option.option not in values:
                continue
            section = merged.setdefault("services", {}).setdefault(manifest.name, {})
            for name, wanted in option.sets.items():
                if name in section:
                    raise FleetError(f"{option.option} and $.services.{manifest.name}.{name} of the configuration both "
                                     "say what to do", f"take one away; '{option.option} none' forgets the option")
                section[name] = _filled(wanted, values[option.option])
    return merged


def _filled(template: Any, text: str) -> Any:
    if isinstance(template, str):
        return template.replace("{value}", text)
    if isinstance(template, list):
        return [_filled(item, text) for item in template]
    if isinstance(template, dict):
        return {name: _filled(item, text) for name, item in template.items()}
    return template


def trusted_proxies(data: Mapping[str, Any], service: str, front: SiteFront) -> list[str]:
    """As HAProxy writes addresses and blocks of them. Raises FleetError for what is none, whatever the worker took."""
    listed = _section(data, service).get(front.trusted or "", [])
    try:
        return [str(ipaddress.ip_network(text)) for text in listed]
    except (TypeError, ValueError) as error:
        raise FleetError(f"$.services.{service}.{front.trusted}: {error}",
                         'give addresses and blocks of them, as "127.0.0.1" and "10.0.0.0/8"') from None


def with_secrets(fleet: Fleet) -> dict[str, Any]:
    """The configuration in force, with the files of the secrets that the fleet makes."""
    merged = copy.deepcopy(fleet.state.config)
    for manifest in fleet.services():
        for secret in manifest.secrets:
            inner = merged.setdefault("services", {}).setdefault(manifest.name, {})
            for name in secret.path[:-1]:
                inner = inner.setdefault(name, {})
            inner.setdefault(secret.path[-1], str(own_secret(fleet, manifest, secret)))
    return merged


def own_secret(fleet: Fleet, manifest: Manifest, secret: Secret) -> Path:
    return fleet.layout.secrets / f"{manifest.name}-{secret.name}"


def secret_file(fleet: Fleet, manifest: Manifest, name: str) -> Path:
    """The operator's own, or the one that the fleet has made."""
    secret = next(secret for secret in manifest.secrets if secret.name == name)
    return _configured(fleet.state.config, manifest, secret) or own_secret(fleet, manifest, secret)


def configured_secrets(data: Mapping[str, Any], manifests: Iterable[Manifest]) -> list[tuple[str, Path]]:
    """Path in the configuration and file, of those that the operator brings."""
    return [(f"$.services.{manifest.name}.{'.'.join(secret.path)}", file)
            for manifest in manifests for secret in manifest.secrets
            if (file := _configured(data, manifest, secret)) is not None]


def make_secrets(fleet: Fleet) -> None:
    """Those that are not there yet; readable by the workers and by nobody else."""
    for manifest in fleet.services():
        for secret in manifest.secrets:
            file = own_secret(fleet, manifest, secret)
            if _configured(fleet.state.config, manifest, secret) is None and not file.exists():
                write_atomically(file, secrets.token_hex(_SECRET_BYTES).encode() + b"\n")
                os.chown(file, fleet.account.uid, fleet.account.gid, follow_symlinks=False)


def _section(data: Mapping[str, Any], service: str) -> Mapping[str, Any]:
    services = data.get("services")
    section = services.get(service) if isinstance(services, dict) else None
    return section if isinstance(section, dict) else {}


def _configured(data: Mapping[str, Any], manifest: Manifest, secret: Secret) -> Path | None:
    found: Any = _section(data, manifest.name)
    for name in secret.path:
        found = found.get(name) if isinstance(found, dict) else None
    return Path(found) if isinstance(found, str) and found else None
