"""The proof that a fleet serves: for each worker, a request through HAProxy that this worker answers."""

from __future__ import annotations

import http.client
import time
from typing import Iterator

from .errors import TimedOut
from .fleet import Fleet
from .front_api import ask
from .manifest import Manifest
from .ring import Ring
from .state import worker_name

_TRIES = 100_000


def ring_of(fleet: Fleet, manifest: Manifest, final: bool = False) -> Ring:
    """As the state has it now, or as it will be when every worker has its whole part."""
    places = [(worker_name(manifest.name, place), place) for place in fleet.state.staying(manifest.name)
              if not place.drained]
    return Ring(((name, place.id) for name, place in places),
                lighter={} if final else {name: place.weight for name, place in places})


def _requests(fleet: Fleet, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """(worker, path) such that the ring sends that path to that worker."""
    ring = ring_of(fleet, manifest)
    missing = set(ring.names)
    for number in range(_TRIES):
        if not missing:
            return
        key = manifest.key.proof.replace("{n}", str(number))
        owner = ring.locate(key.encode())
        if owner in missing:
            missing.remove(owner)
            yield owner, manifest.key.path.replace("{key}", key)


def prove(fleet: Fleet) -> None:
    """Raises TimedOut when a worker's answer can't be had. A proof is a GET and takes nothing."""
    strict = fleet.state.options.routing == "hash"
    for manifest in fleet.services():
        exact = strict and manifest.bounded_load is None
        for worker, path in _requests(fleet, manifest):
            _until_answered(fleet, worker, path, exact)


def _until_answered(fleet: Fleet, worker: str, path: str, exact: bool) -> None:
    deadline = time.monotonic() + min(fleet.timeout, 15.0)
    while True:
        answered = _answered_by(fleet, path)
        if answered == worker or (answered and not exact):
            return
        if time.monotonic() > deadline:
            raise TimedOut(f"{worker} does not answer through HAProxy; {answered or 'nobody'} answered {path}",
                           "'scripts/fleet doctor' looks for the reason")
        time.sleep(0.03)


def _answered_by(fleet: Fleet, path: str) -> str | None:
    try:
        return ask(fleet, "GET", path).worker
    except (OSError, http.client.HTTPException):
        return None
