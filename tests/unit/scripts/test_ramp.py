"""How a new worker's weight grows."""

from __future__ import annotations

import copy

import pytest

from shoal_fleet import ramp
from shoal_fleet.fleet import Fleet
from shoal_fleet.numbers import set_count
from shoal_fleet.ramp import raised
from shoal_fleet.ring import WEIGHT, Ring
from shoal_fleet.state import State


@pytest.mark.parametrize(("number", "more"), [(1, 1), (2, 1), (2, 6), (1, 7), (8, 1), (1, 15)])
def test_no_step_is_more_than_a_quarter_of_what_is_got_in_the_end(number: int, more: int) -> None:
    names = [f"w-{identifier}" for identifier in range(1, number + more + 1)]
    servers, new = list(zip(names, range(1, number + more + 1))), names[number:]
    weights = {name: WEIGHT if name not in new else 0 for name in names}
    final, before, steps = Ring(servers).shares(), {name: 0.0 for name in names}, 0
    while min(weights.values()) < WEIGHT:
        heavier = raised(weights)
        assert all(weights[name] <= heavier[name] <= weights[name] + WEIGHT // 4 for name in names)
        weights, shares = heavier, Ring(servers, lighter=heavier).shares()
        assert all(shares[name] - before[name] <= 0.25 * final[name] for name in new)
        before, steps = shares, steps + 1
    assert 4 <= steps <= 9 and before == final


def test_points_are_only_added_so_that_keys_only_move_to_the_newcomer() -> None:
    servers, weight = [("w-1", 1), ("w-2", 2), ("w-3", 3)], 0
    keys = [b"key-%d" % number for number in range(2000)]
    ring = Ring(servers[:2])
    owner = {key: ring.locate(key) for key in keys}
    while weight < WEIGHT:
        weight = raised({"w-1": WEIGHT, "w-2": WEIGHT, "w-3": weight})["w-3"]
        ring = Ring(servers, lighter={"w-3": weight})
        now = {key: ring.locate(key) for key in keys}
        assert {now[key] for key in keys if now[key] != owner[key]} == {"w-3"}
        owner = now


def test_who_began_earlier_waits_for_who_comes_later() -> None:
    weights, seen = {"old": WEIGHT, "begun": 100, "new": 0}, []
    while min(weights.values()) < WEIGHT:
        weights = raised(weights)
        seen.append((weights["begun"], weights["new"]))
    assert seen == sorted(seen) and (100, 100) in seen and all(new <= begun for begun, new in seen)


def light(fleet: Fleet) -> dict[int, bool]:
    return {place.id: place.weight < WEIGHT for place in fleet.state.services["echo"]}


def test_only_who_is_new_begins_light(fleet: Fleet) -> None:
    echo = fleet.manifests["echo"]
    set_count(fleet, echo, 2)
    ramp.begin(fleet, State())
    assert not any(light(fleet).values()), "nobody serves yet whose keys would move"
    before = copy.deepcopy(fleet.state)
    set_count(fleet, echo, 4)
    ramp.begin(fleet, before)
    assert light(fleet) == {1: False, 2: False, 3: True, 4: True}
    fleet.state.services["echo"][3].drained = True
    assert [ramp.is_light(place) for place in fleet.state.services["echo"]] == [False, False, True, False]


def test_who_comes_while_all_others_are_drained_is_needed_at_once(fleet: Fleet) -> None:
    set_count(fleet, fleet.manifests["echo"], 1)
    before = copy.deepcopy(fleet.state)
    fleet.state.services["echo"][0].drained = True
    set_count(fleet, fleet.manifests["echo"], 2)
    ramp.begin(fleet, before)
    assert light(fleet) == {1: False, 2: False}


def test_nobody_gets_more_than_its_whole_weight_whoever_else_is_drained_meanwhile() -> None:
    weights = {"w-2": 28, "w-3": 19}
    while min(weights.values()) < WEIGHT:
        weights = raised(weights)
    assert set(weights.values()) == {WEIGHT}
