"""What bringing a fleet from one wanted state to another would do. Nothing is touched."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from . import haproxy_config, postgres, render
from .fleet import Fleet
from .proof import ring_of
from .ramp import is_light
from .state import Place, State, worker_name
from .workers import outdated


@dataclass(frozen=True)
class Plan:
    steps: list[str]
    """In the order in which they are done."""
    moved: dict[str, float]
    """By service that runs before and after: the part of its keys that gets another owner."""


def compare(fleet: Fleet, before: State) -> Plan:
    """From what `before` says to what the fleet's state says."""
    old = dataclasses.replace(fleet, state=before)
    steps = [] if before.up else ["start supervisord and HAProxy"]
    steps += _redis(old, fleet)
    ran, wanted = before.up and before.own_postgres, postgres.is_wanted(fleet)
    steps += ["start PostgreSQL"] if wanted and not ran else []
    moved = {}
    for service in sorted({*before.services, *fleet.state.services}):
        steps += _workers(fleet, service, before)
        if before.staying(service) and fleet.state.staying(service):
            moved[service] = ring_of(old, fleet.manifest(service)).moved_to(
                ring_of(fleet, fleet.manifest(service), final=True))
    steps += ["stop PostgreSQL"] if ran and not wanted else []
    if before.up:
        steps += _haproxy(old, fleet)
        if fleet.state.config != before.config:
            steps.append("give every worker the new configuration")
    return Plan(steps, moved)


def _redis(old: Fleet, new: Fleet) -> list[str]:
    present = set(render.own_redis(old)) if old.state.up else set()
    steps = []
    for name in render.own_redis(new):
        if name not in present:
            steps.append(f"start redis-{name}")
        elif (memory := render.redis_memory(new, name)) != render.redis_memory(old, name):
            steps.append(f"let redis-{name} take {memory >> 20} MiB")
    return steps


def _workers(fleet: Fleet, service: str, before: State) -> list[str]:
    manifest, steps = fleet.manifest(service), []
    ran = {place.id: place for place in before.staying(service)} if before.up else {}
    for place in fleet.state.services.get(service, []):
        name = worker_name(service, place)
        if place.leaving:
            steps += [f"drain {name} and stop it"] if before.up else []
        elif place.id not in ran:
            steps.append(f"start {name}")
        elif place.next is not None:
            steps.append(f"finish the replacement of {name}")
        elif is_light(place):
            steps.append(f"give {name} the rest of its keys")
        elif outdated(fleet, manifest, place):
            steps.append(f"replace {name}: {_reason(fleet, place)}")
    return steps


def _reason(fleet: Fleet, place: Place) -> str:
    return "another binary" if place.program.build != fleet.state.build else "other options or start settings"


def _haproxy(old: Fleet, new: Fleet) -> list[str]:
    files = [render.files(fleet, fleet.layout.conf)["haproxy.cfg"] for fleet in (old, new)]
    if haproxy_config.description(files[0]) != haproxy_config.description(files[1]):
        return ["reload HAProxy"]
    return ["tell HAProxy of its servers, without a reload"] if files[0] != files[1] else []
