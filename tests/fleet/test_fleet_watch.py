"""Watching a fleet: what was done to it, as it is done, and whether it is as it is wanted."""

from __future__ import annotations

import json
import os
import signal
import subprocess

from shoal_cli import FleetUnderTest, eventually


def last_line(fleet: FleetUnderTest, code: int = 0) -> str:
    return fleet.run("status", "--check", "--interval", "0", code=code).stdout.splitlines()[-1]


def test_events_are_followed_as_they_happen(shared: FleetUnderTest) -> None:
    follower = subprocess.Popen(shared.command("events", "-f", "-n", "1", "--json"), stdout=subprocess.PIPE, text=True)
    try:
        assert follower.stdout is not None
        assert json.loads(follower.stdout.readline())["event"] == "end", "that of up"
        shared.run("scale", "limiter", "4")
        shared.run("scale", "limiter", "3")
        seen: list[dict[str, object]] = []
        while [one["event"] for one in seen].count("end") < 2:
            seen.append(json.loads(follower.stdout.readline()))
    finally:
        follower.kill()
        follower.wait()
    assert [one for one in seen if one["event"] in ("server added", "server removed")] == [
        one for one in shared.journal() if one["event"] in ("server added", "server removed")]
    assert seen == shared.journal()[-len(seen):]
    said = shared.run("events", "-n", "1000").stdout.splitlines()
    assert len(said) == len(shared.journal())
    assert any(line.endswith(f"begin: scripts/fleet scale limiter 4 --home {shared.home}") for line in said)


def test_drift_is_named_and_gone_once_it_is_put_right(shared: FleetUnderTest) -> None:
    assert last_line(shared) == "no drift: all runs as wanted"
    shared.haproxy("set server limiter/limiter-2 state drain")
    eventually(lambda: "limiter-2 is drained or in maintenance in HAProxy's limiter" in last_line(shared, 6), 5, "seen")
    assert shared.run("status").returncode == 0, "only who asks for it is told by the exit code"
    assert "limiter-2 is drained or in maintenance in HAProxy's limiter" in shared.status()["drift"]
    shared.run("up")
    assert last_line(shared) == "no drift: all runs as wanted" and shared.status()["drift"] == []


def test_a_worker_that_is_down_is_drift_and_a_drained_one_is_not(shared: FleetUnderTest) -> None:
    os.kill(shared.pids()["limiter-1"], signal.SIGTERM)
    eventually(lambda: shared.workers()["limiter-1"]["state"] == "stopped", 40, "it has drained")
    assert "limiter-1 is stopped" in last_line(shared, 6)
    shared.run("up")
    shared.run("drain", "limiter-3")
    assert last_line(shared) == "no drift: all runs as wanted"
    shared.run("undrain", "limiter-3")


def test_a_change_under_way_is_no_drift(shared: FleetUnderTest) -> None:
    seen = len(shared.journal())
    tool = subprocess.Popen(shared.command("scale", "limiter", "4"), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: any(one["event"] == "begin" for one in shared.journal()[seen:]), 20, "it has begun")
        os.kill(tool.pid, signal.SIGSTOP)
        assert last_line(shared).startswith(f"being changed by process {tool.pid}: ")
    finally:
        os.kill(tool.pid, signal.SIGCONT)
        assert tool.wait(60) == 0
    shared.run("scale", "limiter", "3")


def test_a_fleet_that_is_down_as_wanted_has_no_drift(shared: FleetUnderTest) -> None:
    shared.run("down")
    assert last_line(shared).startswith("no fleet is up")
    shared.run("up")
