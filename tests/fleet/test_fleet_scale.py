"""Scaling under load: no failed request, the others keep their processes, no more keys move than must."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from load import Load, owners
from shoal_cli import FleetUnderTest, eventually

KEYS = [f"bulk/user-{number}" for number in range(2000)]


def test_scale_up_and_down_under_load(fleet: FleetUnderTest) -> None:
    pids, before = fleet.pids(), owners(fleet.port, KEYS)
    with Load(fleet.port) as load:
        eventually(lambda: load.requests > 200, 20, "load is on")
        assert "added limiter-3" in fleet.run("scale", "limiter", "+1").stdout
        grown = owners(fleet.port, KEYS)
        assert fleet.pids().items() >= pids.items()
        assert "added limiter-4, limiter-5" in fleet.run("scale", "limiter", "5").stdout
        assert "removed limiter-4, limiter-5" in fleet.run("scale", "limiter", "-2").stdout
        eventually(lambda: owners(fleet.port, KEYS) == grown, 10, "the ring of three is back")
        fleet.run("scale", "limiter", "2")
        assert fleet.pids() == pids
        after = owners(fleet.port, KEYS)
    print(f"{load.requests} requests")
    assert load.failures == []
    moved = [key for key in KEYS if before[key] != grown[key]]
    assert len(moved) / len(KEYS) <= 1 / 3 + 0.01
    assert {grown[key] for key in moved} == {"limiter-3"}
    assert after == before, "removing one moves only its own keys"


def told(fleet: FleetUnderTest) -> dict[str, tuple[int, int]]:
    """What each worker goes by: the fleet's size, and the version of its configuration."""
    found = {}
    for name in fleet.workers():
        shown = fleet.private(name, "/-/config")
        found[name] = shown["config"]["fleet"]["workers"]["limiter"], shown["config_version"]
    return found


def test_every_worker_is_told_how_many_there_are(fleet: FleetUnderTest) -> None:
    pids, version = fleet.pids(), fleet.status()["config_version"]
    assert told(fleet) == {f"limiter-{number}": (2, version) for number in (1, 2)}
    for count in (3, 1):
        fleet.run("scale", "limiter", str(count))
        assert told(fleet) == {f"limiter-{number}": (count, version) for number in range(1, count + 1)}
    assert fleet.pids().items() <= pids.items()
    assert "nothing is wrong" in fleet.run("doctor").stdout


def test_scale_to_the_same_number_changes_nothing(fleet: FleetUnderTest) -> None:
    pids = fleet.pids()
    assert "as before" in fleet.run("scale", "limiter", "2").stdout
    assert fleet.pids() == pids


@pytest.mark.parametrize("number", ["0", "-3", "many", "+"])
def test_numbers_that_make_no_sense_are_usage_errors(shared: FleetUnderTest, number: str) -> None:
    shared.run("scale", "limiter", number, code=2)


def test_an_unknown_service_is_named(shared: FleetUnderTest) -> None:
    assert "there is no service 'limitr'; there is cache, limiter" in shared.run("scale", "limitr", "2", code=1).stderr


@pytest.mark.parametrize("event", ["begin", "server added", "left"])
def test_a_killed_call_is_finished_by_the_next(fleet: FleetUnderTest, event: str) -> None:
    """kill -9 right after that step was journalled; then the same command once more."""
    target = "4"
    if event == "left":
        fleet.run("scale", "limiter", "4")
        target = "2"
    seen = len(fleet.journal())
    tool = subprocess.Popen(fleet.command("scale", "limiter", target), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    eventually(lambda: any(entry["event"] == event for entry in fleet.journal()[seen:]), 20, event)
    tool.send_signal(signal.SIGKILL)
    tool.wait()
    fleet.run("scale", "limiter", target)
    assert {name for name, worker in fleet.workers().items() if worker["state"] == "serving"} == {
        f"limiter-{number}" for number in range(1, int(target) + 1)}
    assert "nothing is wrong" in fleet.run("doctor").stdout


def test_a_tool_that_is_told_to_end_says_that_it_can_go_on(fleet: FleetUnderTest) -> None:
    seen = len(fleet.journal())
    tool = subprocess.Popen(fleet.command("scale", "limiter", "3"), stderr=subprocess.PIPE, text=True,
                            stdout=subprocess.DEVNULL)
    eventually(lambda: len(fleet.journal()) > seen, 20, "begun")
    tool.send_signal(signal.SIGTERM)
    assert tool.wait(30) == 3
    assert tool.stderr is not None and "run the same command again" in tool.stderr.read()
    fleet.run("scale", "limiter", "3")
    assert len(fleet.workers()) == 3


def test_a_second_caller_is_told_who_holds_the_fleet(fleet: FleetUnderTest) -> None:
    seen = len(fleet.journal())
    first = subprocess.Popen(fleet.command("scale", "limiter", "4"), stdout=subprocess.DEVNULL)
    eventually(lambda: len(fleet.journal()) > seen, 20, "the first holds the lock")
    os.kill(first.pid, signal.SIGSTOP)
    error = fleet.run("scale", "limiter", "3", code=5).stderr
    assert f"process {first.pid}" in error and "scale limiter 4" in error
    assert len(fleet.status()["workers"]) >= 2, "status does not need the lock"
    os.kill(first.pid, signal.SIGCONT)
    assert first.wait(60) == 0


def test_new_workers_that_do_not_start_are_taken_back(fleet: FleetUnderTest) -> None:
    pids, blocked = fleet.pids(), fleet.run_folder / "limiter-3.sock"
    blocked.mkdir()
    for command in (("scale", "limiter", "3"), ("up", "--workers", "3")):
        assert "limiter-3 does not start" in fleet.run(*command, code=1).stderr
        assert fleet.pids() == pids
    blocked.rmdir()
    assert "added limiter-3" in fleet.run("scale", "limiter", "3").stdout


def test_a_new_worker_that_is_still_awaited_can_be_sent_away(fleet: FleetUnderTest) -> None:
    pids = fleet.pids()
    (fleet.run_folder / "limiter-3.sock").mkdir()
    fleet.run("scale", "limiter", "3", "--timeout", "1", code=4)
    assert "removed limiter-3" in fleet.run("scale", "limiter", "2").stdout
    assert fleet.pids() == pids
