"""Builds for upgrades: as good as the one under test, or bad in a way that shows only once its workers run."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

from shoal_cli import WORKERS, FleetUnderTest


class Builds:
    """In folders beside the fleet's home, which the account that it runs as can reach."""

    def __init__(self, fleet: FleetUnderTest) -> None:
        self._fleet = fleet
        self._folder = fleet.home.parent / f"{fleet.home.name}-builds"
        self._folder.mkdir()
        self._folder.chmod(0o755)
        self._real = self.good("real")

    def good(self, name: str) -> Path:
        """The same but for its digest: what follows an ELF file's end changes nothing else."""
        folder = self._made(name)
        for executable in WORKERS:
            shutil.copyfile(self._fleet.binaries / executable, folder / executable)
            (folder / executable).chmod(0o755)
        with open(folder / "shoal-limiter", "ab") as file:
            file.write(name.encode())
        return folder

    def script(self, name: str, body: str) -> Path:
        """A shell script for each worker, which takes any configuration. `$real` is what it stands for."""
        folder = self._made(name)
        for executable in WORKERS:
            real = shlex.quote(str(self._real / executable))
            (folder / executable).write_text(
                f"#!/bin/sh\nreal={real}\ncase $* in *--check-config*) exec \"$real\" \"$@\";; esac\n{body}\n")
            (folder / executable).chmod(0o755)
        return folder

    def with_http(self, name: str, **http: Any) -> Path:
        """The one under test, whose section http is another than in the fleet's configuration."""
        config = json.loads((self._fleet.data / "conf" / "config.json").read_text())
        file = self._folder / f"{name}.json"
        file.write_text(json.dumps(config | {"http": http}))
        file.chmod(0o644)
        return self.script(name, f"exec \"$real\" $(echo \"$*\" | sed 's#--config [^ ]*#--config {file}#')")

    def _made(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        folder.chmod(0o755)
        return folder
