"""Another build: tried out, taken or taken back; and what is left of a call that was killed on its way."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import pytest

from conftest import patient
from load import Load
from other_builds import Builds
from shoal_cli import FleetUnderTest, Make, eventually


@pytest.fixture(scope="module")
def fleet(make_fleet: Make) -> FleetUnderTest:
    """Two workers, which every test leaves to the build under test."""
    found = make_fleet()
    found.up("--workers", "2", "--config", patient(found))
    return found


@pytest.fixture(scope="module")
def builds(fleet: FleetUnderTest) -> Builds:
    return Builds(fleet)


def running(fleet: FleetUnderTest) -> set[str]:
    """The builds that workers run; all of them serve."""
    workers = fleet.workers().values()
    assert {worker["state"] for worker in workers} == {"serving"}
    return {worker["build"] for worker in workers}


def kept(fleet: FleetUnderTest) -> set[str]:
    """The builds that it has, but for the one that it could go back to."""
    before = json.loads((fleet.home / "state.json").read_text())["previous"]
    return {folder.name for folder in (fleet.data / "bin").iterdir()} - {before}


@pytest.fixture
def old(fleet: FleetUnderTest) -> Iterator[str]:
    """The build under test, before and after."""
    fleet.run("up", "--bin", str(fleet.binaries), "--config", patient(fleet))
    [build] = running(fleet)
    yield build
    fleet.run("status", "--check")


def killed(fleet: FleetUnderTest, event: str, *command: str) -> None:
    """kill -9 of the tool as soon as that step is in the journal."""
    seen = len(fleet.journal())
    tool = subprocess.Popen(fleet.command(*command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: any(entry["event"] == event for entry in fleet.journal()[seen:]), 30, event)
    tool.kill()
    tool.wait()


def test_a_good_build_is_taken_and_given_back_under_load(fleet: FleetUnderTest, builds: Builds, old: str) -> None:
    folder = builds.good("good")
    pids = fleet.pids()
    with Load(fleet.port) as load:
        eventually(lambda: load.requests > 200, 20, "load is on")
        done = json.loads(fleet.run("upgrade", str(folder), "--watch", "2", "--json").stdout)
        assert running(fleet) == {done["build"]} and done["before"] == old != done["build"]
        [verdict] = done["canaries"]
        assert (verdict["canaries"], verdict["judged"], verdict["reason"]) == (["limiter-1"], True, None)
        assert verdict["seen"]["requests"] >= 50 and verdict["seen"]["errors"] == 0 and verdict["seen"]["p99_s"] > 0
        assert set(fleet.pids().values()).isdisjoint(pids.values())

        # The folder is the operator's; what runs is the fleet's own copy.
        (folder / "shoal-limiter").unlink()
        assert fleet.run("plan").stdout == "nothing would be done\n"
        assert "already" in fleet.run("upgrade", str(fleet.data / "bin" / done["build"])).stdout

        assert json.loads(fleet.run("rollback", "--json").stdout) == {"build": old, "before": done["build"]}
        assert running(fleet) == {old} == kept(fleet)
    print(f"{load.requests} requests")
    assert load.failures == []
    assert fleet.run("plan").stdout == "nothing would be done\n"
    assert "nothing to go back to" in fleet.run("rollback", code=1).stderr


def test_few_requests_judge_nobody_and_a_killed_rollback_goes_on(fleet: FleetUnderTest, builds: Builds,
                                                                 old: str) -> None:
    said = fleet.run("upgrade", str(builds.good("quiet")), "--canary", "2", "--watch", "0").stdout
    assert "limiter-1, limiter-2: 0 requests, 0 errors: too few to judge by" in said
    assert f"goes back to {old}" in said
    killed(fleet, "replacing", "rollback")
    fleet.run("rollback")
    assert running(fleet) == {old}, "and not to and fro"


def not_starting(builds: Builds) -> Path:
    return builds.script("not-starting", "echo 'not today' >&2; exit 1")


def never_ready(builds: Builds) -> Path:
    return builds.script("never-ready", "exec sleep 600")


def ending(builds: Builds) -> Path:
    return builds.script("ending", '(sleep 1; kill $$) & exec "$real" "$@"')


def slow(builds: Builds) -> Path:
    return builds.with_http("slow", test={"service_time": "30ms"})


@pytest.mark.parametrize(("made", "why"), [
    (not_starting, "limiter-1 does not start\n"),
    (never_ready, "the new limiter-1 did not get ready within 2 s"),
    (ending, "limiter-1 did worse than the others: limiter-1 ended by itself"),
    (slow, "limiter-1 did worse than the others: their p99 was "),
], ids=["not-starting", "never-ready", "ending", "slow"])
def test_a_bad_build_is_taken_back_and_fails_nothing(fleet: FleetUnderTest, builds: Builds, old: str,
                                                     made: Callable[[Builds], Path], why: str) -> None:
    other = fleet.pids()["limiter-2"]
    with Load(fleet.port, threads=8) as load:
        eventually(lambda: load.workers["limiter-2"] > 100, 20, "load is on")
        error = fleet.run("upgrade", str(made(builds)), "--watch", "4", "--timeout", "2", code=1).stderr
    assert why in error and f"every worker runs build {old}, as before" in error
    assert load.failures == []
    assert running(fleet) == {old} == kept(fleet)
    assert fleet.pids()["limiter-2"] == other, "the roll stopped after one worker"
    assert fleet.run("plan").stdout == "nothing would be done\n"


def test_a_build_that_answers_with_errors_is_taken_back_at_once(fleet: FleetUnderTest, builds: Builds,
                                                               old: str) -> None:
    refusing = builds.with_http("refusing", test={"service_time": "10ms"}, concurrency={"least": 1, "most": 1})
    with Load(fleet.port) as load:
        eventually(lambda: load.requests > 100, 20, "load is on")
        error = fleet.run("upgrade", str(refusing), "--watch", "600", code=1).stderr
        assert "answers were errors" in error and running(fleet) == {old}
        last = len(load.failures)
        seen = load.requests
        eventually(lambda: load.requests > seen + 100, 20, "load goes on")
    assert len(load.failures) == last
    assert all(": 503 of limiter-1: " in failure for failure in load.failures)


def test_binaries_that_do_not_take_the_configuration_change_nothing(fleet: FleetUnderTest, builds: Builds,
                                                                    old: str, tmp_path: Path) -> None:
    pids, before = fleet.pids(), (fleet.home / "state.json").read_bytes()
    strict = builds.good("strict")
    (strict / "shoal-cache").write_text('#!/bin/sh\necho "$3: $.redis: is not known" >&2; exit 1\n')
    error = fleet.run("upgrade", str(strict), code=1).stderr
    assert "shoal-cache: the configuration in force: $.redis: is not known" in error and "nothing was changed" in error
    assert "shoal-cache is missing or not executable" in fleet.run("upgrade", str(tmp_path), code=1).stderr
    fleet.run("upgrade", str(strict), "--canary", "0", code=2)
    assert fleet.pids() == pids and (fleet.home / "state.json").read_bytes() == before and kept(fleet) == {old}


def test_a_configuration_that_workers_do_not_come_up_with_is_taken_back(fleet: FleetUnderTest, builds: Builds,
                                                                       old: str, tmp_path: Path) -> None:
    """Nothing is wrong with it that --check-config sees."""
    picky = builds.script("picky", 'grep -q idle_timeout "$6" && { echo "not with this" >&2; exit 1; }\n'
                                   'exec "$real" "$@"')
    fleet.run("up", "--bin", str(picky))
    builds_of, pids = running(fleet), fleet.pids()
    file = tmp_path / "broken.json"
    file.write_text(json.dumps({"http": {"idle_timeout": "50s"}}))
    with Load(fleet.port) as load:
        error = fleet.run("up", "--config", str(file), code=1).stderr
    assert "not with this" in error and "the worker before it still serves" in error
    assert load.failures == []
    assert running(fleet) == builds_of and fleet.pids() == pids
    assert fleet.run("plan").stdout == "nothing would be done\n"


@pytest.mark.parametrize(("event", "body", "command"), [("replacing", "exec sleep 600", "reload"),
                                                        ("replaced", 'exec "$real" "$@"', "rollback")],
                         ids=["never-ready", "serving"])
def test_a_call_killed_with_canaries_is_taken_back_by_the_next(fleet: FleetUnderTest, builds: Builds, old: str,
                                                               event: str, body: str, command: str) -> None:
    killed(fleet, event, "upgrade", str(builds.script(event, body)), "--watch", "600")
    assert "a change of limiter-1 was stopped midway" in fleet.run("status", "--check", code=6).stdout
    fleet.run(command, "--timeout", "10")
    assert running(fleet) == {old} == kept(fleet)


def test_a_call_killed_after_that_is_finished_by_the_next(fleet: FleetUnderTest, builds: Builds, old: str) -> None:
    killed(fleet, "rolling", "upgrade", str(builds.good("rolling")), "--watch", "0")
    fleet.run("scale", "limiter", "2")
    [new] = running(fleet)
    assert new != old


def test_a_roll_that_was_killed_and_can_not_be_finished_goes_back(fleet: FleetUnderTest, builds: Builds,
                                                                 old: str) -> None:
    """The first worker comes up with it, the other one does not."""
    half = builds.script("half", 'case $* in *limiter-2*) echo "no second" >&2; exit 1;; esac\nexec "$real" "$@"')
    killed(fleet, "rolling", "upgrade", str(half), "--watch", "0")
    error = fleet.run("reload", code=1).stderr
    assert "no second" in error
    assert running(fleet) == {old}
    error = fleet.run("upgrade", str(half), "--watch", "0", code=1).stderr
    assert "no second" in error and f"every worker runs build {old}, as before" in error
    assert running(fleet) == {old}
