"""How many workers a service has: which places come, and which go."""

from __future__ import annotations

import re

from .errors import FleetError, UsageError
from .fleet import Fleet
from .manifest import Manifest
from .state import Place, worker_name
from .workers import new_program

_MAX_WORKERS = 1024


def target(text: str, now: int) -> int:
    """N, +n or -n as the number of workers that is wanted."""
    if not re.fullmatch(r"[+-]?[0-9]{1,5}", text):
        raise UsageError(f"'{text}' is not a number of workers", "give N, +n or -n, as 4, +2 or -1")
    wanted = now + int(text) if text[0] in "+-" else int(text)
    if not 1 <= wanted <= _MAX_WORKERS:
        raise UsageError(f"{wanted} workers can't be: 1 to {_MAX_WORKERS}",
                         "'scripts/fleet down' stops them all")
    return wanted


def set_count(fleet: Fleet, manifest: Manifest, count: int) -> tuple[list[Place], list[Place]]:
    """Changes the state only; returns who comes and who leaves. The smallest free ids come, the highest leave."""
    places = fleet.state.services.setdefault(manifest.name, [])
    staying = sorted(fleet.state.staying(manifest.name), key=lambda place: place.id)
    leaving = staying[count:]
    if 0 < count <= len(staying) and all(place.drained for place in staying[:count]):
        names = ", ".join(worker_name(manifest.name, place) for place in staying[:count])
        raise FleetError(f"only {names} would be left, and nobody is asked that is drained",
                         f"scripts/fleet undrain {worker_name(manifest.name, staying[0])}")
    for place in leaving:
        place.leaving = True
    taken = {place.id for place in places}
    coming = []
    free = 0
    while len(staying) + len(coming) < count:
        free += 1
        if free not in taken:
            coming.append(Place(free, new_program(fleet, manifest, free)))
    places.extend(coming)
    places.sort(key=lambda place: place.id)
    return coming, leaving
