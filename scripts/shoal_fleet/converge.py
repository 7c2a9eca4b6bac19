"""From whatever runs to what the state says. Every step looks first, so a call after a crash goes on from there."""

from __future__ import annotations

import time
from typing import Callable

from . import balancer, build, layout, places, postgres, proof, ramp, render, sections, supervision
from .errors import FleetError
from .fleet import Fleet
from .state import Place, worker_name
from .worker_api import view
from .workers import new_program, outdated, serving

_CONFIG_SECONDS = 5.0


def converge(fleet: Fleet, replace_outdated: bool = False, listening: Callable[[], None] = lambda: None) -> None:
    """`listening` is called as soon as HAProxy has its ports. Outdated workers are replaced also where a call that was
    killed had begun with it. Raises FleetError."""
    replace_outdated = replace_outdated or fleet.state.rolling
    _roll(fleet, replace_outdated)
    layout.prepare(fleet.layout, fleet.account)
    sections.make_secrets(fleet)
    if fleet.state.own_postgres:
        postgres.prepare(fleet)
    render.write(fleet)
    supervision.ensure(fleet)
    if replace_outdated:
        _renew_dead(fleet)
    supervision.apply_programs(fleet)
    balancer.wait_answering(fleet)
    listening()
    supervision.wait_redis(fleet)
    supervision.wait_postgres(fleet)
    _settle(fleet)
    places.wait_all(fleet)
    balancer.sync(fleet)
    supervision.end_orphans(fleet)
    _forget_leaving(fleet)
    balancer.wait_up(fleet)
    ramp.finish(fleet)
    if replace_outdated:
        _replace_outdated(fleet)
        _roll(fleet, False)
    apply_config(fleet)
    _leave_postgres(fleet)
    supervision.wait_ended(fleet, fleet.ending_s)
    proof.prove(fleet)
    build.prune(fleet.layout, _builds(fleet))


def _roll(fleet: Fleet, rolling: bool) -> None:
    if fleet.state.rolling != rolling:
        fleet.state.rolling = rolling
        fleet.save()


def is_unfinished(fleet: Fleet, place: Place) -> bool:
    """Whether a change of that place was begun, and is not done."""
    return (place.leaving or place.next is not None or ramp.is_light(place)
            or place.program.build == fleet.state.trial)


def unfinished(fleet: Fleet) -> bool:
    """Beside new workers that have not all of their part yet: those may be gone again before they have."""
    return (fleet.state.rolling or bool(fleet.state.trial)
            or any(place.leaving or place.next is not None for _, place, _ in fleet.places()))


def _settle(fleet: Fleet) -> None:
    for manifest, place, _ in fleet.places():
        if place.next is not None and place.next.build == fleet.state.trial:
            places.revert(fleet, manifest, place)
        places.settle(fleet, manifest, place)
        if not place.leaving:
            places.regain(fleet, manifest, place)
    if fleet.state.trial:
        _end_trial(fleet)


def _end_trial(fleet: Fleet) -> None:
    """Canaries were judged bad, or nobody is left to judge them."""
    for manifest, place, worker in fleet.places():
        if place.program.build == fleet.state.trial and not place.leaving:
            fleet.terminal.say(f"taking {worker} back to the build that ran before")
            places.replace(fleet, manifest, place)
    fleet.journal.write("canaries taken back", build=fleet.state.trial)
    fleet.state.trial = ""
    fleet.save()


def _forget_leaving(fleet: Fleet) -> None:
    """HAProxy has let go of them: now their workers may end."""
    leaving = [worker for _, place, worker in fleet.places() if place.leaving]
    if not leaving:
        return
    services = {service: fleet.state.staying(service) for service in fleet.state.services}
    fleet.state.services = {service: staying for service, staying in services.items() if staying}
    fleet.save()
    render.write(fleet)
    supervision.apply_programs(fleet)
    if len(fleet.state.services) < len(services):
        # A service that left as a whole takes its routes with it.
        balancer.sync(fleet)
    fleet.journal.write("left", workers=leaving)


def _leave_postgres(fleet: Fleet) -> None:
    """Where the workers go by another database now, or none is left that asks one."""
    if fleet.state.own_postgres and not postgres.is_wanted(fleet):
        fleet.state.own_postgres = False
        fleet.save()
        render.write(fleet)
        supervision.apply_programs(fleet)


def _renew_dead(fleet: Fleet) -> None:
    """A place that nobody serves, and whose worker would be another now, gets the new one at once."""
    present = fleet.supervisor.programs()
    for manifest, place, worker in fleet.places():
        if outdated(fleet, manifest, place) and serving(fleet, manifest, place, place.program) is None:
            name = place.program.name(worker)
            if name in present:
                fleet.supervisor.stop(name)
                fleet.supervisor.wait_stopped([name], fleet.timeout)
                fleet.supervisor.remove(name)
            place.program, place.next = new_program(fleet, manifest, place.id, place.program.letter), None
    fleet.save()
    render.write(fleet)


def _replace_outdated(fleet: Fleet) -> None:
    for manifest, place, worker in fleet.places():
        if outdated(fleet, manifest, place):
            fleet.terminal.say(f"replacing {worker}: its binary or its options have changed")
            places.replace(fleet, manifest, place)


def apply_config(fleet: Fleet) -> None:
    """Every worker reads config.json again that goes by another. Raises FleetError when one does not take it."""
    version = fleet.state.config_version
    pending = {worker: (manifest.name, place.program.name(worker)) for manifest, place, worker in fleet.places()
               if not _has_config(fleet, manifest.name, worker)}
    for _, program in pending.values():
        # One that is being started again reads the file then.
        fleet.supervisor.signal(program, "HUP", must_run=False)
    deadline = time.monotonic() + _CONFIG_SECONDS
    while pending := {worker: of for worker, of in pending.items() if not _has_config(fleet, of[0], worker)}:
        if time.monotonic() > deadline:
            raise FleetError(f"{', '.join(sorted(pending))} did not take configuration {version}",
                             f"scripts/fleet logs {next(iter(pending))}")
        time.sleep(0.02)


def _has_config(fleet: Fleet, service: str, worker: str) -> bool:
    """Beside the version, the fleet's size: a change of that alone is no new version."""
    seen = view(fleet.layout.admin(worker))
    return (seen is not None and seen.config_version == fleet.state.config_version
            and seen.workers == len(fleet.workers(service)))


def roll(fleet: Fleet, service: str | None) -> list[str]:
    """Replaces every worker, of one service or of all, one after the other."""
    replaced = []
    for manifest, place, _ in fleet.places():
        if service in (None, manifest.name):
            places.replace(fleet, manifest, place)
            replaced.append(worker_name(manifest.name, place))
            fleet.terminal.say(f"{replaced[-1]} replaced")
    supervision.wait_ended(fleet, fleet.ending_s)
    balancer.wait_up(fleet)
    return replaced


def _builds(fleet: Fleet) -> set[str]:
    used = {program.build for _, place, _ in fleet.places() for program in (place.program, place.next) if program}
    return used | {fleet.state.build, fleet.state.previous, fleet.state.trial}
