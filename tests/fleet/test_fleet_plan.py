"""What `plan` says is what `up` does, and saying it does nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from load import owners
from origin_server import Origin
from shoal_cli import WORKERS, FleetUnderTest, Make

KEYS = [f"bulk/plan-{number}" for number in range(4000)]


def plan(fleet: FleetUnderTest, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.run("plan", *arguments, "--json").stdout)
    return found


def everything(fleet: FleetUnderTest) -> dict[str, bytes]:
    """All that a fleet keeps, but for logs and data."""
    return {str(path): path.read_bytes() for folder in (fleet.home, fleet.data / "conf", fleet.data / "bin")
            for path in folder.rglob("*") if path.is_file() and not {"logs", "redis"} & {*path.parts}}


def test_a_fleet_that_is_not_there_is_planned_and_not_made(make_fleet: Make) -> None:
    fleet = make_fleet()
    said = fleet.run(*fleet.up_line("--workers", "2", "--dry-run")).stdout.splitlines()
    assert said == ["start supervisord and HAProxy", "start redis-state", "start limiter-1", "start limiter-2"]
    assert not fleet.home.exists()


def test_more_workers_and_the_share_of_keys_that_moves(shared: FleetUnderTest) -> None:
    before, files, pids = owners(shared.port, KEYS), everything(shared), shared.pids()
    found = plan(shared, "--workers", "4")
    assert found["steps"] == ["start limiter-4", "tell HAProxy of its servers, without a reload"]
    said = shared.run("plan", "--workers", "4").stdout
    assert f"{found['moved']['limiter'] * 100:.1f}% of the keys of limiter would get another worker" in said
    assert everything(shared) == files and shared.pids() == pids, "nothing was done"

    shared.run("up", "--workers", "4")
    after = owners(shared.port, KEYS)
    moved = sum(after[key] != owner for key, owner in before.items()) / len(KEYS)
    assert abs(moved - found["moved"]["limiter"]) < 0.025
    assert plan(shared, "--workers", "4") == {"steps": [], "moved": {"limiter": 0}}
    assert shared.run("plan").stdout == "nothing would be done\n"
    back = plan(shared, "--workers", "3")
    assert back["steps"] == ["drain limiter-4 and stop it", "tell HAProxy of its servers, without a reload"]
    assert back["moved"] == found["moved"]
    shared.run("up", "--workers", "3")
    assert owners(shared.port, KEYS) == before


@pytest.mark.parametrize(("arguments", "steps"), [
    (("--routing", "random"), ["reload HAProxy"]),
    (("--drain-deadline", "60"), [f"replace limiter-{number}: other options or start settings" for number in (1, 2, 3)]
     + ["reload HAProxy"]),
])
def test_options(shared: FleetUnderTest, arguments: tuple[str, ...], steps: list[str]) -> None:
    assert plan(shared, *arguments)["steps"] == steps
    assert json.loads((shared.home / "state.json").read_text())["options"]["routing"] == "hash"


def test_another_binary_and_another_configuration(shared: FleetUnderTest, tmp_path: Path) -> None:
    for name in WORKERS:
        (tmp_path / name).write_bytes((shared.binaries / name).read_bytes() + b"\n")
        (tmp_path / name).chmod(0o755)
    assert plan(shared, "--bin", str(tmp_path))["steps"] == [
        f"replace limiter-{number}: another binary" for number in (1, 2, 3)]
    file = tmp_path / "new.json"
    file.write_text(json.dumps({"log": {"level": "debug"}}))
    assert plan(shared, "--config", str(file))["steps"] == ["give every worker the new configuration"]
    file.write_text(json.dumps({"log": {"level": "loud"}}))
    assert "$.log.level" in shared.run("plan", "--config", str(file), code=1).stderr


def test_a_service_that_comes(shared: FleetUnderTest, origin: Origin) -> None:
    found = plan(shared, "--origin", origin.url, "--workers", "3")
    assert found["steps"] == ["start redis-l2", "start cache-1", "start cache-2", "start cache-3", "reload HAProxy",
                              "give every worker the new configuration"]


def test_a_drained_worker_moves_its_own_keys(shared: FleetUnderTest) -> None:
    share = {one["worker"]: one["share"] for one in json.loads(shared.run("ring", "show", "limiter", "--json").stdout)}
    shared.run("drain", "limiter-2")
    found = plan(shared, "--workers", "1")["moved"]["limiter"]
    shared.run("undrain", "limiter-2")
    assert abs(plan(shared, "--workers", "2")["moved"]["limiter"] - share["limiter-3"]) < 1e-9
    assert share["limiter-3"] < found < share["limiter-2"] + share["limiter-3"]


def test_scale_and_ring_say_the_same_of_another_number(shared: FleetUnderTest) -> None:
    before = everything(shared)
    said = json.loads(shared.run("scale", "limiter", "+2", "--dry-run", "--json").stdout)
    assert said == plan(shared, "--workers", "5")
    planned = json.loads(shared.run("ring", "plan", "5", "--json").stdout)["limiter"]
    assert planned["moved"] == said["moved"]["limiter"]
    assert sum(planned["shares"].values()) == pytest.approx(1) and len(planned["shares"]) == 5
    # What the two new ones get is what moves.
    assert planned["shares"]["limiter-4"] + planned["shares"]["limiter-5"] == pytest.approx(planned["moved"])
    assert "of the keys of limiter would get another worker" in shared.run("ring", "plan", "5").stdout
    assert everything(shared) == before
    shared.run("ring", "plan", "0", code=2)
