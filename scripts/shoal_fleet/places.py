"""Workers brought up, replaced in their place, and waited for."""

from __future__ import annotations

import time

from . import render, supervision
from .errors import FleetError, TimedOut
from .fleet import Fleet
from .manifest import Manifest
from .state import Place, Program, worker_name
from .workers import new_program, published, serving, successor

_POLL = 0.03
_FAILED_STARTS = 3


class WorkerFailed(FleetError):
    """A worker ends by itself instead of starting."""


class _Watch:
    """Sees in what supervisord says that a program will not come up."""

    def __init__(self, fleet: Fleet, starts: int) -> None:
        self._fleet = fleet
        self._starts = starts
        self._failed: dict[str, set[int]] = {}

    def check(self, program: str, worker: str) -> None:
        seen = self._fleet.supervisor.programs().get(program)
        if seen is None or seen.state not in ("BACKOFF", "FATAL", "EXITED"):
            return
        starts = self._failed.setdefault(program, set())
        starts.add(seen.started)
        if seen.state == "FATAL" or len(starts) >= self._starts:
            tail = supervision.log_tail(self._fleet.layout.logs / f"{worker}.log")
            raise WorkerFailed(f"{worker} does not start\n{tail}".rstrip(),
                               f"the whole log: scripts/fleet logs {worker}")


def wait_all(fleet: Fleet) -> None:
    """Until every place is served by its program."""
    deadline = time.monotonic() + fleet.timeout
    watch = _Watch(fleet, _FAILED_STARTS)
    waiting = [(manifest, place, worker) for manifest, place, worker in fleet.places() if not place.leaving]
    total = len(waiting)
    while True:
        waiting = [entry for entry in waiting if serving(fleet, entry[0], entry[1], entry[1].program) is None]
        if not waiting:
            return
        fleet.terminal.progress(f"waiting for workers: {total - len(waiting)} of {total} ready")
        if time.monotonic() > deadline:
            names = ", ".join(worker for _, _, worker in waiting)
            raise TimedOut(f"{names} did not get ready within {fleet.timeout:.0f} s",
                           f"'scripts/fleet logs {waiting[0][2]}' says what it waits for; then run again")
        for _, place, worker in waiting:
            watch.check(place.program.name(worker), worker)
        time.sleep(_POLL)


def replace(fleet: Fleet, manifest: Manifest, place: Place, build: str | None = None) -> None:
    """Another process takes the place over, of the fleet's build where no other is named; the old one is told to stop
    and not waited for."""
    worker = worker_name(manifest.name, place)
    program = successor(fleet, manifest, place, build)
    # The program of that letter may still be draining from the replacement before.
    supervision.wait_ended(fleet, max(fleet.timeout, fleet.ending_s), only=program.name(worker))
    place.next = program
    fleet.save()
    fleet.journal.write("replacing", worker=worker, generation=place.next.generation, build=program.build)
    settle(fleet, manifest, place)


def settle(fleet: Fleet, manifest: Manifest, place: Place) -> None:
    """Ends a replacement that was begun, now or by a call that was killed: one way or the other."""
    if place.next is None:
        return
    worker = worker_name(manifest.name, place)
    render.write(fleet)
    supervision.apply_programs(fleet)
    try:
        _wait_serving(fleet, manifest, place, place.next)
    except (WorkerFailed, TimedOut) as error:
        revert(fleet, manifest, place)
        raise FleetError(f"{error.message}\nthe worker before it still serves", error.hint) from None
    place.program, place.next = place.next, None
    fleet.save()
    render.write(fleet)
    supervision.apply_programs(fleet)
    fleet.journal.write("replaced", worker=worker, generation=place.program.generation)


def _wait_serving(fleet: Fleet, manifest: Manifest, place: Place, program: Program) -> None:
    worker = worker_name(manifest.name, place)
    deadline = time.monotonic() + fleet.timeout
    watch = _Watch(fleet, 1)
    while serving(fleet, manifest, place, program) is None:
        fleet.terminal.progress(f"replacing {worker}")
        watch.check(program.name(worker), worker)
        if time.monotonic() > deadline:
            raise TimedOut(f"the new {worker} did not get ready within {fleet.timeout:.0f} s",
                           f"scripts/fleet logs {worker}")
        time.sleep(_POLL)


def revert(fleet: Fleet, manifest: Manifest, place: Place) -> None:
    """The new process is stopped, and the old one goes on."""
    worker = worker_name(manifest.name, place)
    failed, place.next = place.next, None
    assert failed is not None
    fleet.save()
    render.write(fleet)
    supervision.apply_programs(fleet)
    fleet.supervisor.wait_stopped([failed.name(worker)], fleet.timeout)
    supervision.end_surplus(fleet)
    fleet.journal.write("replacement taken back", worker=worker, generation=failed.generation)
    regain(fleet, manifest, place)


def regain(fleet: Fleet, manifest: Manifest, place: Place) -> None:
    """Where a newer process that is gone had taken one of the place's names, the program is started once more as one
    that is newer still: a name is only ever taken over, never given back."""
    worker, program = worker_name(manifest.name, place), place.program
    if published(fleet, worker) <= program.generation:
        return
    again = new_program(fleet, manifest, place.id, "b" if program.letter == "a" else "a", program.build)
    again.settings, again.drain_s = program.settings, program.drain_s
    again.command = [str(again.generation) if before == "--generation" else word
                     for before, word in zip(["", *program.command], program.command)]
    place.program = again
    fleet.save()
    render.write(fleet)
    supervision.apply_programs(fleet)
    fleet.journal.write("place regained", worker=worker, generation=again.generation)
    _wait_serving(fleet, manifest, place, again)
