"""Workers that are started by a line of shell, to change what surrounds them."""

from __future__ import annotations

import shutil
from pathlib import Path

from shoal_cli import WORKERS, FleetUnderTest


def wrap(fleet: FleetUnderTest, line: str) -> Path:
    """A folder for `up --bin`. In the line "$worker" is the real one, "$name" the place, "$@" its arguments."""
    real, wrapped = fleet.home.parent / f"{fleet.home.name}-real", fleet.home.parent / f"{fleet.home.name}-wrapped"
    for folder in (real, wrapped):
        folder.mkdir(mode=0o755)
    for worker in WORKERS:
        shutil.copy(fleet.binaries / worker, real)
        script = wrapped / worker
        script.write_text(f'#!/bin/sh\nworker={real / worker} name=$2\n'
                          f'case $* in *--check-config*) exec "$worker" "$@";; esac\n{line}\n')
        script.chmod(0o755)
    return wrapped
