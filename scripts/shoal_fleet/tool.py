"""What every command is given: where the fleet is, and how to talk to whoever called."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

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

    @contextmanager
    def change(self, **details: Any) -> Iterator[Fleet]:
        """The fleet that is up, locked, and the journal told of the change from its beginning to its end."""
        self.open().need_running()
        with self.lock():
            fleet = self.open()
            fleet.need_running()
            fleet.journal.write("begin", **details)
            try:
                yield fleet
            except FleetError as error:
                fleet.journal.write("end", code=error.code, error=error.message)
                raise
            fleet.journal.write("end", code=0)

    def sketch(self) -> Fleet:
        """For a home without a fleet: what would be there, without making anything."""
        return fleets.sketch_fleet(self.root, self.home, self.manifests(), self.terminal, self.command, self.timeout)

    def create(self) -> Fleet:
        return fleets.create_fleet(self.root, self.home, self.manifests(), self.terminal, self.command, self.timeout)
