"""scripts/fleet reload: the configuration file read again."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from .. import balancer, config, postgres, render, sections, supervision
from ..converge import apply_config
from ..errors import FleetError
from ..fleet import Fleet
from ..manifest import Manifest
from ..tool import Tool
from ..upgrading import finish_earlier
from .base import add_parser

_EXAMPLES = """\
The services check the file first: if anything is wrong, it is said with file, path and reason, and the old
configuration stays. A good one is in force in every worker within a second. A renewed --tls-cert is taken too.
Workers read the sections http and redis only when they start: changes of those need 'scripts/fleet up', except
for the memory that the fleet's own Redis may take.

examples:
  scripts/fleet reload
  scripts/fleet reload --config other.json
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "reload", "read the configuration again", epilog=_EXAMPLES)
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    with tool.change() as fleet:
        finish_earlier(fleet)
        changed, seconds = _reload(fleet, getattr(args, "config", None))
        fleet.journal.write("configuration in force", version=fleet.state.config_version)
    if getattr(args, "json", False):
        print(json.dumps({"changed": changed, "config_version": fleet.state.config_version, "seconds": seconds}))
    elif changed:
        print(f"configuration {fleet.state.config_version} is in force in every worker after {seconds:.2f} s")
    else:
        print(f"nothing to reload: configuration {fleet.state.config_version} is what the file says")
    return 0


def _reload(fleet: Fleet, given: str | None) -> tuple[bool, float]:
    """Whether the rules changed, and how long the workers took."""
    state, old = fleet.state, (fleet.state.config, fleet.state.options.config)
    if given is not None:
        state.options.config = os.path.realpath(given)
    file = Path(state.options.config) if state.options.config else None
    written = config.read(file)
    config.check(file, written, fleet.manifests, fleet.layout.binaries / state.build)
    data = sections.with_options(written, fleet.manifests.values(), postgres.option_values(fleet))
    _check_services(fleet, data)
    before = config.start_settings(old[0])
    for section, wanted in config.start_settings(data).items():
        if wanted != before[section]:
            raise FleetError(f"{file}: $.{section}: a change of this section is not taken by a reload",
                             "'scripts/fleet up' takes it: it replaces the workers one after the other")
    changed = state.set_config(data)
    fleet.save()
    render.write(fleet)
    started = time.monotonic()
    try:
        apply_config(fleet)
    except FleetError:
        state.set_config(old[0])
        state.options.config = old[1]
        fleet.save()
        render.write(fleet)
        apply_config(fleet)
        raise
    balancer.sync(fleet)
    supervision.wait_redis(fleet)
    return changed, round(time.monotonic() - started, 3)


def _check_services(fleet: Fleet, data: dict[str, Any]) -> None:
    """A reload starts and stops nobody."""
    for manifest in fleet.manifests.values():
        wanted, runs = sections.runs(manifest, data), bool(fleet.state.staying(manifest.name))
        if wanted != runs:
            raise FleetError(f"$.services.{'.'.join(manifest.runs_with_field)}: "
                             f"{manifest.name} has {'something' if wanted else 'nothing more'} to do now",
                             f"'scripts/fleet up' {'starts' if wanted else 'stops'} its workers")
