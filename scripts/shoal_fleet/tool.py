"""What every command is given: where the fleet is, and how to talk to whoever called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import fleet as fleets
from .errors import FleetError
from .fleet import Fleet
from .lock import FleetLock
from .manifest import Manifest
from .terminal import Terminal


@dataclass
class Tool:
    """What a command works with."""

    root: Path
    home: Path
    command: str
    terminal: Terminal
    timeout: float
    known: dict[str, Manifest]
    bad_manifest: FleetError | None

    def manifests(self) -> dict[str, Manifest]:
        if self.bad_manifest is not None:
            raise self.bad_manifest
        return self.known

    def lock(self) -> FleetLock:
        return FleetLock(self.home, self.command)

    def open(self) -> Fleet:
        """The fleet of this home. Raises FleetError when there is none."""
        found = self.find()
        if found is None:
            raise FleetError(f"there is no fleet in {self.home}",
                             "start one with 'scripts/fleet up', or name its folder with --home")
        return found

    def find(self) -> Fleet | None:
        return fleets.open_fleet(self.root, self.home, self.known, self.terminal, self.command, self.timeout)

    def create(self) -> Fleet:
        return fleets.create_fleet(self.root, self.home, self.manifests(), self.terminal, self.command, self.timeout)
