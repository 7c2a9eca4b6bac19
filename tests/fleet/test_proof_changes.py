"""What operators do to a fleet under load loses nothing: scaling, restarts, other builds, bad ones, reloads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterator

import pytest

from load import owners
from origin_server import Origin
from other_builds import Builds
from proof import Load, proven_fleet, reload_haproxy, rounds, whole
from shoal_cli import PATIENT, FleetUnderTest, Make
from test_fleet_lifecycle import put_broken_worker

pytestmark = pytest.mark.alone

KEYS = [f"bulk/proof-{number}" for number in range(400)]


@pytest.fixture(scope="module")
def proven(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    yield from proven_fleet(make_fleet, origin)


def test_scaling_to_eight_and_back(proven: FleetUnderTest) -> None:
    pids, ring = proven.pids(), owners(proven.port, KEYS)
    with Load(proven) as load:
        for number in range(rounds(1, 20)):
            service = ("limiter", "cache")[number % 2]
            proven.run("scale", service, "8")
            proven.run("scale", service, "2")
    load.require()
    assert proven.pids() == pids
    assert owners(proven.port, KEYS) == ring


def test_rolling_restarts(proven: FleetUnderTest) -> None:
    pids, ring = set(proven.pids().values()), owners(proven.port, KEYS)
    with Load(proven) as load:
        for _ in range(rounds(1, 10)):
            proven.run("restart")
    load.require()
    assert pids.isdisjoint(proven.pids().values())
    assert owners(proven.port, KEYS) == ring


def builds(fleet: FleetUnderTest) -> dict[str, str]:
    return {name: worker["build"] for name, worker in fleet.workers().items()}


def test_another_build_and_back(proven: FleetUnderTest) -> None:
    old, newer = builds(proven), Builds(proven).good("newer")
    with Load(proven) as load:
        assert "every worker runs build" in proven.run("upgrade", str(newer), "--watch", "2").stdout
        assert set(builds(proven).values()).isdisjoint(old.values())
        proven.run("rollback")
    load.require()
    assert builds(proven) == old


@pytest.mark.parametrize(("ending", "said"), [("echo 'not today' >&2; exit 1", "not today"), ("kill -SEGV $$", "")])
def test_a_broken_build_is_taken_back(proven: FleetUnderTest, tmp_path: Path, ending: str, said: str) -> None:
    old, pids = builds(proven), proven.pids()
    broken = put_broken_worker(tmp_path / "bin", ending)
    with Load(proven) as load:
        error = proven.run("up", "--bin", str(broken), code=1).stderr
    assert said in error and "the worker before it still serves" in error
    load.require()
    assert (builds(proven), proven.pids()) == (old, pids)
    whole(proven)


def test_a_broken_configuration_is_taken_back(proven: FleetUnderTest, tmp_path: Path) -> None:
    file, pids, version = tmp_path / "bad.json", proven.pids(), proven.status()["config_version"]
    with Load(proven) as load:
        for bad in ({"services": {"limiter": {"rules": [{"name": "bulk", "limit": -1, "period": "1s"}]}}},
                    # Only a worker that starts with it finds out.
                    {"redis": {"state": {"unix": str(tmp_path / "nobody")}}, "http": {"max_body": "all"}}):
            file.write_text(json.dumps(PATIENT | bad))
            for command in ("reload", "up"):
                assert f"{file}: $." in proven.run(command, "--config", str(file), code=1).stderr
    load.require()
    assert (proven.pids(), proven.status()["config_version"]) == (pids, version)
    assert "nothing is wrong" in proven.run("doctor").stdout


def test_reloads_of_haproxy_keep_the_drain_and_the_ring(proven: FleetUnderTest) -> None:
    proven.run("scale", "limiter", "3")
    proven.run("drain", "limiter-2")
    ring = owners(proven.port, KEYS)
    assert set(ring.values()) == {"limiter-1", "limiter-3"}
    with Load(proven) as load:
        for _ in range(rounds(5, 100)):
            reload_haproxy(proven)
        assert owners(proven.port, KEYS) == ring
    load.require()
    assert proven.workers()["limiter-2"]["state"] == "drained"
    proven.run("undrain", "limiter-2")
    proven.run("scale", "limiter", "2")
