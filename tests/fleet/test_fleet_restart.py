"""Rolling restart: in its place, one after the other, and back to the old one when the new one fails."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from load import Load, owners
from shoal_cli import FleetUnderTest, alive, eventually
from test_fleet_lifecycle import put_broken_worker

KEYS = [f"bulk/user-{number}" for number in range(2000)]


def test_restart_under_load_fails_nothing_and_moves_no_key(fleet: FleetUnderTest) -> None:
    before, pids, generations = owners(fleet.port, KEYS), fleet.pids(), fleet.workers()
    haproxy = fleet.other("haproxy")["pid"]
    with Load(fleet.port) as load:
        eventually(lambda: load.requests > 200, 20, "load is on")
        for _ in range(3):
            fleet.run("restart", "limiter")
            assert owners(fleet.port, KEYS) == before
    print(f"{load.requests} requests")
    assert load.failures == []
    assert set(fleet.pids()) == set(pids)
    assert set(fleet.pids().values()).isdisjoint(pids.values())
    assert not any(alive(pid) for pid in pids.values())
    for name, worker in fleet.workers().items():
        assert worker["generation"] > generations[name]["generation"]
        assert worker["state"] == "serving"
    assert fleet.other("haproxy")["pid"] == haproxy
    assert list(fleet.run_folder.glob("limiter-*.*.*")) == [], "no process leaves a name of its own behind"


def test_a_new_one_that_hangs_is_given_up(fleet: FleetUnderTest, tmp_path: Path) -> None:
    pids = fleet.pids()
    hanging = put_broken_worker(tmp_path / "bin", "exec sleep 600")
    error = fleet.run("up", "--bin", str(hanging), "--timeout", "2", code=1).stderr
    assert "did not get ready within 2 s" in error
    assert fleet.pids() == pids


def test_a_new_build_reaches_the_workers_one_by_one(fleet: FleetUnderTest, tmp_path: Path) -> None:
    [old] = {worker["build"] for worker in fleet.workers().values()}
    newer = tmp_path / "bin"
    shutil.copytree(fleet.binaries, newer)
    # What follows an ELF file's end changes nothing but its digest.
    (newer / "shoal-limiter").write_bytes((fleet.binaries / "shoal-limiter").read_bytes() + b"\0")
    with Load(fleet.port) as load:
        fleet.run("up", "--bin", str(newer))
    assert load.failures == []
    [new] = {worker["build"] for worker in fleet.workers().values()}
    assert new != old
    assert {folder.name for folder in (fleet.data / "bin").iterdir()} == {old, new}, "one could go back"


def test_json_for_machines(fleet: FleetUnderTest) -> None:
    assert json.loads(fleet.run("restart", "--json").stdout) == {"replaced": ["limiter-1", "limiter-2"]}


@pytest.mark.parametrize("event", ["replacing", "replaced"])
def test_a_killed_restart_is_finished_by_the_next(fleet: FleetUnderTest, event: str) -> None:
    seen, generations = len(fleet.journal()), fleet.workers()
    tool = subprocess.Popen(fleet.command("restart"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: any(entry["event"] == event for entry in fleet.journal()[seen:]), 20, event)
    tool.kill()
    tool.wait()
    fleet.run("restart")
    for name, worker in fleet.workers().items():
        assert worker["state"] == "serving"
        assert worker["generation"] > generations[name]["generation"]
    assert "nothing is wrong" in fleet.run("doctor").stdout


def test_a_place_that_a_newer_process_had_and_left_is_regained(fleet: FleetUnderTest) -> None:
    """As after a replacement that failed once it had published itself, and whose tool was killed then."""
    lock = fleet.run_folder / "limiter-1.lock"
    holder = json.loads(lock.read_text())
    lock.write_text(json.dumps(holder | {"generation": holder["generation"] + 1}) + "\n")
    os.kill(fleet.pids()["limiter-1"], signal.SIGKILL)
    eventually(lambda: fleet.workers()["limiter-1"]["state"] in ("failed", "stopped"), 20, "it leaves it to the newer")
    fleet.run("up")
    assert fleet.workers()["limiter-1"]["state"] == "serving"
    assert fleet.workers()["limiter-1"]["generation"] > holder["generation"] + 1
