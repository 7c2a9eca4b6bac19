"""Another build: tried out by a few workers, taken by all or by none; and the way back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from . import balancer, judging, places, symptoms
from .converge import converge, unfinished
from .errors import FleetError, StoppedMidway, TimedOut
from .fleet import Fleet
from .judging import Verdict
from .manifest import Manifest
from .state import Place, State, worker_name
from .symptoms import Sight

_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class _Builds:
    """What the state says of binaries."""

    build: str
    previous: str
    bin: str | None

    @staticmethod
    def of(state: State) -> "_Builds":
        return _Builds(state.build, state.previous, state.options.bin)


def finish_earlier(fleet: Fleet) -> None:
    """What a killed call left: a roll is gone on with, or back where the new build fails; a trial is taken back."""
    if not unfinished(fleet):
        return
    rolling = fleet.state.rolling
    fleet.terminal.say("first, what an earlier call began")
    try:
        converge(fleet)
    except (TimedOut, StoppedMidway):
        raise
    except FleetError:
        if rolling:
            go_back(fleet)
        raise


def go_back(fleet: Fleet) -> bool:
    """Where a roll to another build has failed. False when it was to none: nobody runs the one before any more."""
    previous = fleet.state.previous
    if not previous or not any(place.program.build == previous for _, place, _ in fleet.places()):
        return False
    fleet.terminal.say(f"going back to build {previous}")
    _roll_to(fleet, _back(fleet))
    return True


def upgrade(fleet: Fleet, build: str, canaries: int, seconds: float) -> list[Verdict]:
    """To that build, whose binaries the fleet has. Raises FleetError once every worker is back on the old one."""
    usual = symptoms.look(fleet) or Sight()
    chosen = _chosen(fleet, canaries)
    fleet.state.trial = build
    fleet.save()
    try:
        for those in chosen:
            for worker, place in zip(those.names(), those.places):
                fleet.terminal.say(f"{worker} tries build {build}")
                places.replace(fleet, those.manifest, place, build)
        runs = _runs(fleet, chosen)
        _wait_up(fleet, chosen, runs)
        verdicts = _watch(fleet, chosen, runs, usual, seconds)
        for verdict in verdicts:
            fleet.journal.write("canaries judged", service=verdict.service, canaries=verdict.canaries,
                                seen=str(verdict.seen), others=str(verdict.others), bad=verdict.reason)
        if bad := [verdict for verdict in verdicts if verdict.reason]:
            raise FleetError("\n".join(f"{' and '.join(one.canaries)} did worse than the others: {one.reason}"
                                       for one in bad), f"scripts/fleet logs {bad[0].canaries[0]}")
    except StoppedMidway:
        raise
    except FleetError as error:
        converge(fleet)
        raise FleetError(f"{error.message}\nevery worker runs build {fleet.state.build}, as before",
                         error.hint) from None
    _roll_or_stay(fleet, _Builds(build, fleet.state.build, _copy(fleet, build)))
    return verdicts


def rollback(fleet: Fleet) -> None:
    """To the build that ran before, at once. Raises FleetError when it does not come up; then nobody has left."""
    _roll_or_stay(fleet, _back(fleet))


def _back(fleet: Fleet) -> _Builds:
    """There is no way forth again from there but an upgrade, which looks at what it does."""
    return _Builds(fleet.state.previous, "", _copy(fleet, fleet.state.previous))


def _copy(fleet: Fleet, build: str) -> str:
    """The fleet's own: what stands in the folder it came from may be another by the next `up`."""
    return str(fleet.layout.binaries / build)


def _roll_or_stay(fleet: Fleet, wanted: _Builds) -> None:
    before = _Builds.of(fleet.state)
    try:
        _roll_to(fleet, wanted)
    except (TimedOut, StoppedMidway):
        raise
    except FleetError as error:
        fleet.terminal.say(f"going back to build {before.build}")
        _roll_to(fleet, before)
        raise FleetError(f"{error.message}\nevery worker runs build {before.build}, as before", error.hint) from None


def _roll_to(fleet: Fleet, wanted: _Builds) -> None:
    state = fleet.state
    state.build, state.previous, state.options.bin = wanted.build, wanted.previous, wanted.bin
    state.trial, state.rolling = "", True
    fleet.save()
    fleet.journal.write("rolling", build=state.build)
    converge(fleet)


@dataclass(frozen=True)
class _Canaries:
    """Of one service."""

    manifest: Manifest
    places: list[Place]

    def names(self) -> list[str]:
        return [worker_name(self.manifest.name, place) for place in self.places]


def _chosen(fleet: Fleet, number: int) -> list[_Canaries]:
    """Who is drained is asked for nothing, and shows nothing."""
    return [_Canaries(manifest, sorted(fleet.state.staying(manifest.name),
                                       key=lambda place: (place.drained, place.id))[:number])
            for manifest in fleet.services()]


_Runs = dict[str, "tuple[int, int] | None"]


def _wait_up(fleet: Fleet, chosen: list[_Canaries], runs: _Runs) -> None:
    """One that ends before HAProxy has seen it is judged like one that ends later."""
    try:
        balancer.wait_up(fleet)
    except TimedOut:
        if not _ended(fleet, chosen, runs):
            raise


def _watch(fleet: Fleet, chosen: list[_Canaries], runs: _Runs, usual: Sight, seconds: float) -> list[Verdict]:
    """Until the time is over, or something is bad. Slowness waits for the end: a new process is slow at first."""
    started = time.monotonic()
    first = half = now = symptoms.look(fleet) or Sight()
    while True:
        time.sleep(min(_LOOK_SECONDS, seconds / 4))
        now, passed = symptoms.look(fleet) or now, time.monotonic() - started
        if half is first and passed >= seconds / 2:
            half = now
        ended = _ended(fleet, chosen, runs)
        found = [_judge(fleet, those, (first, half, now), usual, ended, passed >= seconds) for those in chosen]
        if passed >= seconds or any(verdict.reason for verdict in found):
            return found
        fleet.terminal.progress(f"watching for {seconds - passed:.0f} s more: "
                                + "; ".join(f"{', '.join(one.canaries)}: {one.seen}" for one in found))


def _ended(fleet: Fleet, chosen: list[_Canaries], runs: _Runs) -> set[str]:
    """Those whose processes are others by now, or none."""
    still = _runs(fleet, chosen)
    return {worker for worker, run in runs.items() if still.get(worker) != run}


def _runs(fleet: Fleet, chosen: list[_Canaries]) -> _Runs:
    """By canary, its process; None where it has none."""
    programs, found = fleet.supervisor.programs(), {}
    for those in chosen:
        for worker, place in zip(those.names(), those.places):
            program = programs.get(place.program.name(worker))
            found[worker] = (program.pid, program.started) if program is not None and program.alive else None
    return found


def _judge(fleet: Fleet, those: _Canaries, seen: tuple[Sight, Sight, Sight], usual: Sight, ended: set[str],
           is_end: bool) -> Verdict:
    canaries, backends = those.names(), those.manifest.backends
    everybody = fleet.workers(those.manifest.name)
    mine = judging.figures(canaries, backends, *seen)
    rest = judging.figures(set(everybody) - set(canaries), backends, *seen)
    others = judging.reference(rest, judging.figures(everybody, backends, Sight(), Sight(), usual))
    gone = [worker for worker in canaries if worker in ended]
    reason = f"{' and '.join(gone)} ended by itself" if gone else judging.errors(mine, others)
    if is_end and reason is None:
        reason = judging.slowness(mine, others)
    return Verdict(those.manifest.name, canaries, mine, others, reason)
