"""What bringing a fleet to another state would do, on paper."""

from __future__ import annotations

import copy
from typing import Callable

import pytest

from shoal_fleet import planning
from shoal_fleet.fleet import Fleet
from shoal_fleet.manifest import Manifest
from shoal_fleet.numbers import set_count
from shoal_fleet.state import Program, State

from samples import Document


@pytest.fixture
def running(fleet: Fleet, parse: Callable[[Document], Manifest], document: Document) -> Fleet:
    """As if it ran: two workers with a second level."""
    fleet.manifests["echo"] = parse(document | {"redis": ["l2"]})
    fleet.state.up = True
    set_count(fleet, fleet.manifests["echo"], 2)
    return fleet


def steps(fleet: Fleet, before: State) -> list[str]:
    return planning.compare(fleet, before).steps


def test_nothing_to_do_is_nothing(running: Fleet) -> None:
    found = planning.compare(running, copy.deepcopy(running.state))
    assert (found.steps, found.moved) == ([], {"echo": 0.0})


def test_memory_is_told_to_redis_alone(running: Fleet) -> None:
    before = copy.deepcopy(running.state)
    running.state.config = {"redis": {"l2": {"memory": "16mb"}}}
    assert steps(running, before) == ["let redis-l2 take 16 MiB", "give every worker the new configuration"]


def test_workers_come_go_and_are_replaced(running: Fleet) -> None:
    before = copy.deepcopy(running.state)
    running.state.build = "another"
    set_count(running, running.manifests["echo"], 1)
    assert steps(running, before) == ["replace echo-1: another binary", "drain echo-2 and stop it",
                                      "tell HAProxy of its servers, without a reload"]


def test_what_was_stopped_midway_is_finished(running: Fleet) -> None:
    place = running.state.services["echo"][0]
    place.next = Program("b", 9, running.state.build, place.program.settings, place.program.command)
    assert steps(running, copy.deepcopy(running.state)) == ["finish the replacement of echo-1"]


def test_keys_that_are_still_to_come(running: Fleet) -> None:
    before = copy.deepcopy(running.state)
    before.services["echo"][1].weight = 64
    found = planning.compare(running, before)
    assert 0.25 < found.moved["echo"] < 0.35, "of a half, what it lacks"
    running.state.services["echo"][1].weight = 64
    found = planning.compare(running, copy.deepcopy(running.state))
    assert found.steps == ["give echo-2 the rest of its keys"] and 0.25 < found.moved["echo"] < 0.35


def test_a_fleet_that_is_down_is_started(running: Fleet) -> None:
    before = copy.deepcopy(running.state)
    before.up = False
    assert steps(running, before) == ["start supervisord and HAProxy", "start redis-l2", "start echo-1", "start echo-2"]
