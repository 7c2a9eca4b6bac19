"""A new worker's part of the keys, given to it step by step: the others' keys come to it while it warms up, and not all
at once."""

from __future__ import annotations

import time
from typing import Mapping

from . import balancer, places, render
from .fleet import Fleet
from .ring import WEIGHT
from .state import Place, State, worker_name

_STEP = WEIGHT // 4
_SLICE = 0.18
"""Of a newcomer's final slice, how much it is expected to get in one step: the ring is not quite even, and no step may
give it more than a quarter."""
_DWELL_SECONDS = 0.2


def raised(weights: Mapping[str, int]) -> dict[str, int]:
    """The weights after the next step. `weights` are those of all that are on the ring, 0 for who is about to come. The
    lightest get heavier together; who began earlier waits for them."""
    lightest = min(weights.values())
    coming = [name for name, weight in weights.items() if weight == lightest]
    others = sum(weights.values()) - lightest * len(coming)

    def slice_of(weight: int) -> float:
        return weight / (others + weight * len(coming)) if weight else 0.0

    most = min([WEIGHT, lightest + _STEP, *(weight for weight in weights.values() if weight > lightest)])
    allowed = slice_of(lightest) + _SLICE / len(weights)
    step = max((weight for weight in range(lightest + 1, most + 1) if slice_of(weight) <= allowed),
               default=lightest + 1)
    return {**weights, **{name: step for name in coming}}


def begin(fleet: Fleet, before: State) -> None:
    """Changes the state only: who was not there before starts light, where others serve its service already."""
    for service in fleet.state.services:
        known, ring = {place.id for place in before.staying(service)}, _on_ring(fleet, service)
        coming = {name: place for name, place in ring.items() if place.id not in known}
        if coming and len(coming) < len(ring):
            weights = raised({name: 0 if name in coming else place.weight for name, place in ring.items()})
            for name, place in coming.items():
                place.weight = weights[name]


def is_light(place: Place) -> bool:
    return place.weight < WEIGHT and not place.drained


def finish(fleet: Fleet) -> None:
    """From whatever weights there are to everybody's whole part, all newcomers at once. A step is written down before
    HAProxy is told of it, and taken when everybody serves what he has. Raises FleetError when one does not."""
    while light := [service for service in fleet.state.services if any(map(is_light, fleet.state.staying(service)))]:
        places.wait_all(fleet)
        balancer.wait_up(fleet)
        fleet.terminal.progress("new workers get their part of the keys, step by step")
        time.sleep(_DWELL_SECONDS)
        for service in light:
            ring = _on_ring(fleet, service)
            for name, weight in raised({name: place.weight for name, place in ring.items()}).items():
                ring[name].weight = weight
        fleet.save()
        render.write(fleet)
        balancer.sync(fleet)


def _on_ring(fleet: Fleet, service: str) -> dict[str, Place]:
    return {worker_name(service, place): place for place in fleet.state.staying(service) if not place.drained}
