"""What the command line of `up` asks for, brought into the state. Nothing here touches anything that runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import config, ports, postgres, sections, tree
from .errors import FleetError
from .fleet import Fleet
from .numbers import set_count


def set_options(fleet: Fleet, given: dict[str, Any]) -> None:
    options = fleet.state.options
    if "listen" in given:
        options.listen = ports.parse(given["listen"])
    if given.get("admin_listen"):
        options.admin_listen = ports.parse(given["admin_listen"], "--admin-listen")
        options.admin_chosen = False
    if given.get("routing"):
        options.routing = given["routing"]
    if given.get("hot_key_rate"):
        options.hot_key_rate = None if given["hot_key_rate"] == "none" else given["hot_key_rate"]
    if given.get("drain_deadline"):
        options.drain_s = int(given["drain_deadline"])
    if "config" in given:
        options.config = None if given["config"] in ("", "none") else os.path.realpath(given["config"])
    if given.get("bin"):
        options.bin = None if given["bin"] == "auto" else os.path.realpath(given["bin"])
    if given.get("tls_cert"):
        options.tls_cert = None if given["tls_cert"] == "none" else os.path.realpath(given["tls_cert"])
    for manifest in fleet.manifests.values():
        front = manifest.site_front
        if front is not None and (text := _given(given, front.option)):
            options.values[front.option] = ports.parse(text, front.option)
        for option in manifest.options:
            text = _given(given, option.option)
            if text == "none":
                options.values.pop(option.option, None)
            elif text is not None:
                options.values[option.option] = sections.value(option, text)
    fleet.state.own_postgres = fleet.state.own_postgres or postgres.is_wanted(fleet)


def _given(given: dict[str, Any], option: str) -> str | None:
    return given.get(option[2:].replace("-", "_"))


def binaries(fleet: Fleet) -> Path:
    """Where the workers' binaries are taken from: what the operator named, or this tree's own."""
    given = fleet.state.options.bin
    return Path(given) if given is not None else tree.binaries(fleet.root)


def set_services(fleet: Fleet, given: dict[str, Any], checked_by: Path) -> None:
    """The configuration, which the binaries of that folder check, and who comes and goes by it."""
    if not fleet.manifests:
        raise FleetError(f"there is no service in {fleet.root / 'services'}", "add a folder with a service.json")
    file = Path(fleet.state.options.config) if fleet.state.options.config else None
    fleet.state.set_config(_configuration(fleet, file, checked_by))
    for gone in set(fleet.state.services) - set(fleet.manifests):
        raise FleetError(f"service '{gone}' runs but its folder is gone",
                         f"put services/{gone} back, or stop the fleet: scripts/fleet down --purge")
    for manifest in fleet.manifests.values():
        fresh = not fleet.state.staying(manifest.name)
        if not sections.runs(manifest, fleet.state.config):
            if not fresh:
                set_count(fleet, manifest, 0)
        elif "workers" in given or fresh:
            number = given.get("workers") or manifest.workers or len(os.sched_getaffinity(0))
            set_count(fleet, manifest, number)


def _configuration(fleet: Fleet, file: Path | None, checked_by: Path) -> dict[str, Any]:
    """What the file and the options make together, after every service has looked at it."""
    manifests, values = fleet.manifests, postgres.option_values(fleet)
    given = config.read(file)
    config.check(file, given, manifests, checked_by)
    data = sections.with_options(given, manifests.values(), values)
    if data != given:
        config.check_options(data, manifests, checked_by,
                             [option.option for manifest in manifests.values() for option in manifest.options
                              if option.sets is not None and option.option in values])
    config.check_secrets(data, fleet.account, sections.configured_secrets(data, manifests.values()))
    return data
