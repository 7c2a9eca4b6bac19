"""Looking at a fleet again and again: how it is, and what it did since the look before."""

from __future__ import annotations

from typing import Any, Mapping

from . import checks, lock, traffic
from .fleet import Fleet
from .proof import ring_of
from .report import collect
from .tool import Tool


class Watch:
    """What `status` and `top` say, as plain values."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool
        self._before: traffic.Look = {}
        self._shares: dict[str, tuple[str, Mapping[str, float]]] = {}
        """By service, with the places that they are of: they take a while to compute."""

    def begin(self) -> bool:
        """The look that the first see() compares with; False when no fleet is up."""
        fleet = self._up()
        self._before = {} if fleet is None else traffic.look(fleet)
        return fleet is not None

    def see(self) -> dict[str, Any]:
        fleet = self._up()
        if fleet is None:
            self._before = {}
            return {"up": False, "home": str(self._tool.home), "workers": [], "others": [], "drift": []}
        before, self._before = self._before, traffic.look(fleet)
        seen = collect(fleet)
        shares = self._ring_shares(fleet)
        for worker in seen["workers"]:
            name = worker["name"]
            worker["ring_share"] = shares.get(name)
            worker |= traffic.measured(before.get(name), self._before.get(name))
        # While somebody changes it, it can't be as wanted.
        changing = lock.holder(self._tool.home)
        drift = [finding.what for finding in checks.drift(fleet, seen)] if changing is None else []
        return seen | {"changing": changing, "drift": drift}

    def _up(self) -> Fleet | None:
        fleet = self._tool.find()
        return fleet if fleet is not None and fleet.state.up else None

    def _ring_shares(self, fleet: Fleet) -> dict[str, float]:
        """What nobody is sent by the ring has no share; without a ring, nobody is in here."""
        found: dict[str, float] = {}
        if fleet.state.options.routing != "hash":
            return found
        for manifest in fleet.services():
            places = repr(fleet.state.staying(manifest.name))
            if self._shares.get(manifest.name, ("",))[0] != places:
                self._shares[manifest.name] = places, ring_of(fleet, manifest).shares()
            found |= self._shares[manifest.name][1]
        return {name: found.get(name, 0.0) for _, _, name in fleet.places()}
