"""The fleet's configuration file: read, checked by the services themselves, rendered with a version."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from .account import Account
from .errors import FleetError
from .manifest import Manifest

_CHECK_SECONDS = 20
_SIZE = re.compile(r"([0-9]{1,18})(b|kb|mb|gb)")
_UNITS = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"'{key}' stands there twice in one object")
        found[key] = value
    return found


def read(file: Path | None) -> dict[str, Any]:
    """The content of --config; empty without one. Raises FleetError that names file, path and reason."""
    if file is None:
        return {}
    hint = "nothing was changed; correct the file and run again"
    try:
        data = json.loads(file.read_text("utf-8"), object_pairs_hook=_refuse_twice)
    except OSError as error:
        raise FleetError(f"{file}: can't be read: {error.strerror}", "give the file with --config FILE") from None
    except (ValueError, RecursionError) as error:
        raise FleetError(f"{file}: $: is not JSON: {error}", hint) from None
    if not isinstance(data, dict):
        raise FleetError(f"{file}: $: must be an object", hint)
    for given in ("version", "fleet"):
        if given in data:
            raise FleetError(f"{file}: $.{given}: is given by scripts/fleet; remove it", hint)
    return data


def check(file: Path | None, data: Mapping[str, Any], manifests: Mapping[str, Manifest], binaries: Path) -> None:
    """Asks every service. Raises FleetError with one line per problem."""
    if file is None:
        return
    problems = _unknown_services(file, data, manifests)
    for manifest in manifests.values():
        for line in _ask(binaries / manifest.executable, file):
            if line not in problems:
                problems.append(line)
    if problems:
        raise FleetError("the configuration is refused\n" + "\n".join(f"  {line}" for line in problems),
                         "nothing was changed; correct the file and run again")


def _unknown_services(file: Path, data: Mapping[str, Any], manifests: Mapping[str, Manifest]) -> list[str]:
    sections = data.get("services", {})
    if not isinstance(sections, dict):
        return [f"{file}: $.services: must be an object"]
    known = ", ".join(sorted(manifests))
    return [f"{file}: $.services.{name}: there is no such service; {known}"
            for name in sections if name not in manifests]


def _ask(executable: Path, file: Path) -> list[str]:
    try:
        result = subprocess.run([executable, "--check-config", "--config", file], capture_output=True,
                                text=True, errors="replace", timeout=_CHECK_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FleetError(f"{executable} can't check the configuration: {error}",
                         "build again with 'scripts/fleet up', or give other binaries with --bin") from None
    if result.returncode == 0:
        return []
    lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    return lines or [f"{file}: {executable.name} refused it with exit code {result.returncode}"]


def check_secrets(data: Mapping[str, Any], account: Account, others: Iterable[tuple[str, Path]] = ()) -> None:
    """A password file, or another with its path in the configuration, that the workers' account can't read is found
    here, not when they start."""
    found = list(others)
    for part in ("redis", "services"):
        sections = data.get(part)
        for name, section in sections.items() if isinstance(sections, dict) else ():
            secret = section.get("password_file") if isinstance(section, dict) else None
            if isinstance(secret, str):
                found.append((f"$.{part}.{name}.password_file", Path(secret)))
    for path, file in found:
        if not account.can("-r", file):
            raise FleetError(f"{path}: '{account.name}' can't read {file}",
                             f"let it: chgrp {account.name} {file} && chmod 640 {file}")


def check_options(data: Mapping[str, Any], manifests: Mapping[str, Manifest], binaries: Path,
                  options: Sequence[str]) -> None:
    """The same for a configuration that options of `up` have a part in: then no file of the operator's is it."""
    with tempfile.NamedTemporaryFile("w", prefix="shoal-", suffix=".json", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        given = " ".join(options)
        problems = [line.replace(file.name, given) for manifest in manifests.values()
                    for line in _ask(binaries / manifest.executable, Path(file.name))]
    if problems:
        raise FleetError(f"what {given} makes of the configuration is refused\n"
                         + "\n".join(f"  {line}" for line in dict.fromkeys(problems)),
                         "nothing was changed; correct the option or the file and run again")


def check_in_force(file: Path, manifests: Mapping[str, Manifest], binaries: Path) -> None:
    """Whether these binaries run, and take the file that the workers go by."""
    problems = [f"{manifest.executable}: {line.replace(str(file), 'the configuration in force')}"
                for manifest in manifests.values() for line in _ask(binaries / manifest.executable, file)]
    if problems:
        raise FleetError(f"the binaries in {binaries} can't take the place of those that run\n"
                         + "\n".join(f"  {line}" for line in problems),
                         "nothing was changed; give other binaries, or 'scripts/fleet reload' a configuration for both")


def own_redis(data: Mapping[str, Any], manifests: Mapping[str, Manifest]) -> list[str]:
    """The instances that services need and the configuration does not bring from outside."""
    section = data.get("redis")
    outside = section if isinstance(section, dict) else {}
    needed = {instance for manifest in manifests.values() for instance in manifest.redis}
    return sorted(instance for instance in needed if not _is_outside(outside.get(instance)))


def _is_outside(section: Any) -> bool:
    """Whether it says where one is; what else may stand there is about the fleet's own."""
    return isinstance(section, dict) and ("unix" in section or "address" in section)


def redis_memory(data: Mapping[str, Any], instance: str) -> int | None:
    """How many bytes the configuration gives an instance of the fleet's own; None where it does not say."""
    redis = data.get("redis")
    section = redis.get(instance) if isinstance(redis, dict) else None
    size = _SIZE.fullmatch(str(section.get("memory"))) if isinstance(section, dict) else None
    return int(size[1]) * _UNITS[size[2]] if size else None


def start_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """The sections that a worker reads only when it starts. How much the fleet's own Redis may keep is not for it."""
    redis = {name: {key: value for key, value in section.items() if key != "memory"}
             if isinstance(section, dict) else section for name, section in data.get("redis", {}).items()}
    return {"http": data.get("http", {}), "redis": {name: section for name, section in redis.items() if section != {}}}


def start_digest(data: Mapping[str, Any]) -> str:
    """Changes when a worker has to be replaced to take the configuration."""
    return hashlib.sha256(json.dumps(start_settings(data), sort_keys=True).encode()).hexdigest()[:12]


def render(data: Mapping[str, Any], version: int, workers: Mapping[str, int]) -> bytes:
    """`version` is that of `data` alone: what depends on it stays in force when the fleet grows."""
    whole = {"version": version, "fleet": {"workers": workers}, **data}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()
