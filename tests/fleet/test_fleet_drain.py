"""A drained worker gets nothing, whatever happens to HAProxy, to it and to the fleet, until it is undrained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import Callable

import pytest

from load import Load, owners
from shoal_cli import FleetUnderTest, Make, eventually

KEYS = [f"bulk/drain-{number}" for number in range(400)]
DRAINED = "limiter-2"


@pytest.fixture(scope="module")
def drained(make_fleet: Make) -> FleetUnderTest:
    """Two workers, of which one is drained before and after each test."""
    fleet = make_fleet()
    fleet.up("--workers", "2")
    fleet.run("drain", DRAINED)
    return fleet


def states(fleet: FleetUnderTest) -> dict[str, str]:
    return {name: worker["state"] for name, worker in fleet.workers().items()}


def master(fleet: FleetUnderTest) -> int:
    return int(fleet.other("haproxy")["pid"])


def test_only_its_own_keys_move_and_they_come_back(fleet: FleetUnderTest) -> None:
    fleet.run("scale", "limiter", "3")
    before, pids = owners(fleet.port, KEYS), fleet.pids()
    with Load(fleet.port) as load:
        eventually(lambda: load.workers[DRAINED] > 20, 20, "it is asked")
        assert fleet.run("drain", DRAINED).stdout == f"{DRAINED} is drained\n"
        # Who had its request while it was drained may still count it.
        last = load.workers[DRAINED] + 3
        seen = load.requests
        eventually(lambda: load.requests > seen + 300, 20, "load goes on")
        assert load.workers[DRAINED] <= last
        during = owners(fleet.port, KEYS)
        assert DRAINED not in during.values()
        assert {key: owner for key, owner in during.items() if before[key] != DRAINED} == {
            key: owner for key, owner in before.items() if owner != DRAINED}
        located = fleet.run("ring", "locate", "limiter", *KEYS).stdout
        assert dict(line.split("\t") for line in located.splitlines()) == during
        assert states(fleet)[DRAINED] == "drained"
        assert "nothing is wrong" in fleet.run("doctor").stdout
        assert fleet.run("drain", DRAINED).stdout == f"{DRAINED} is drained already\n"
        assert fleet.run("undrain", DRAINED).stdout == f"{DRAINED} serves\n"
    assert load.failures == []
    assert owners(fleet.port, KEYS) == before
    assert fleet.pids() == pids
    assert fleet.run("undrain", DRAINED).stdout == f"{DRAINED} serves already\n"


def reload_haproxy(fleet: FleetUnderTest) -> None:
    before = fleet.haproxy("show info").partition("\nPid: ")[2].split()[0]
    os.kill(master(fleet), signal.SIGUSR2)
    eventually(lambda: before != fleet.haproxy("show info").partition("\nPid: ")[2].split()[0], 20, "another answers")


def kill_haproxy(fleet: FleetUnderTest) -> None:
    victim = master(fleet)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: fleet.other("haproxy")["pid"] not in (None, victim), 20, "it is started again")


def kill_worker(fleet: FleetUnderTest) -> None:
    victim = fleet.pids()[DRAINED]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: fleet.pids()[DRAINED] not in (None, victim), 20, "it is started again")


def kill_supervisord(fleet: FleetUnderTest) -> None:
    os.kill(fleet.other("supervisord")["pid"], signal.SIGKILL)
    fleet.run("up")


def undo_by_hand(fleet: FleetUnderTest) -> None:
    fleet.haproxy(f"set weight limiter/{DRAINED} 256")
    assert f"{DRAINED} has weight 256 in HAProxy's limiter, not 0" in fleet.run("doctor", code=1).stdout
    fleet.run("up")


@pytest.mark.parametrize("event", [reload_haproxy, kill_haproxy, kill_worker, kill_supervisord, undo_by_hand])
def test_it_stays_drained(drained: FleetUnderTest, event: Callable[[FleetUnderTest], None]) -> None:
    event(drained)
    eventually(lambda: states(drained) == {"limiter-1": "serving", DRAINED: "drained"}, 20, "all is as it was")
    assert set(owners(drained.port, KEYS).values()) == {"limiter-1"}


@pytest.mark.parametrize("command", [("restart",), ("up", "--drain-deadline", "20"), ("scale", "limiter", "3"),
                                     ("up", "--routing", "random"), ("up", "--routing", "hash")])
def test_it_stays_drained_over_commands(drained: FleetUnderTest, command: tuple[str, ...]) -> None:
    drained.run(*command)
    assert states(drained)[DRAINED] == "drained"
    assert DRAINED not in owners(drained.port, KEYS).values()


def test_down_and_up_keep_it_drained_and_then_it_serves(drained: FleetUnderTest) -> None:
    drained.run("down")
    drained.run("up")
    assert states(drained)[DRAINED] == "drained"
    drained.run("undrain", DRAINED)
    assert set(states(drained).values()) == {"serving"}
    assert DRAINED in owners(drained.port, KEYS).values()
    drained.run("drain", DRAINED)


def test_somebody_is_always_left(drained: FleetUnderTest) -> None:
    drained.run("scale", "limiter", "3")
    drained.run("drain", "limiter-1")
    assert "no other worker of limiter" in drained.run("drain", "limiter-3", code=1).stderr
    assert "nobody is asked that is drained" in drained.run("scale", "limiter", "2", code=1).stderr
    assert "there is no worker 'limiter-9'" in drained.run("drain", "limiter-9", code=1).stderr
    assert states(drained) == {"limiter-1": "drained", DRAINED: "drained", "limiter-3": "serving"}
    drained.run("undrain", "limiter-1")
    drained.run("scale", "limiter", "2")


def test_a_killed_drain_is_finished_by_the_next_call(drained: FleetUnderTest) -> None:
    drained.run("undrain", DRAINED)
    seen = len(drained.journal())
    tool = subprocess.Popen(drained.command("drain", DRAINED), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = drained.home / "state.json"

    def wanted() -> bool:
        return any(place["drained"] for place in json.loads(state.read_text())["services"]["limiter"])

    eventually(lambda: len(drained.journal()) > seen and wanted(), 20, "it is written down")
    tool.kill()
    tool.wait()
    drained.run("up")
    assert states(drained) == {"limiter-1": "serving", DRAINED: "drained"}


def test_a_drain_does_not_wait_for_another_worker_that_hangs(fleet: FleetUnderTest) -> None:
    fleet.run("scale", "limiter", "3")
    hanging = fleet.pids()["limiter-3"]
    with fleet.left_alone():
        os.kill(hanging, signal.SIGSTOP)
        try:
            fleet.run("drain", DRAINED, "--timeout", "2", code=4)
            assert DRAINED not in owners(fleet.port, KEYS).values()
        finally:
            os.kill(hanging, signal.SIGCONT)
    assert fleet.run("undrain", DRAINED).stdout == f"{DRAINED} serves\n"
