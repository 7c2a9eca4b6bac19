"""The fleet's own Redis, or one from outside."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

from load import Load
from shoal_cli import PATIENT, FleetUnderTest, eventually


@pytest.fixture
def outside() -> Iterator[Path]:
    """A Redis that is not the fleet's, on a socket that everybody may use."""
    folder = Path(tempfile.mkdtemp(prefix="shoal-fleet-"))
    folder.chmod(0o711)
    path = folder / "redis.sock"
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--unixsocketperm", "777",
                               "--save", "", "--dir", folder], stdout=subprocess.DEVNULL)
    eventually(path.exists, 10, "Redis listens")
    yield path
    server.terminate()
    server.wait()
    for left in folder.iterdir():
        left.unlink()
    folder.rmdir()


def redis(path: Path, *command: str) -> str:
    return subprocess.run(["redis-cli", "-s", path, *command], capture_output=True, text=True, check=True).stdout


def test_its_own_keeps_everything_and_throws_nothing_away(shared: FleetUnderTest) -> None:
    path = shared.run_folder / "redis-state.sock"
    wanted = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "port": "0"}
    for name, value in wanted.items():
        assert redis(path, "CONFIG", "GET", name).split() == [name, value]


def test_one_from_outside_takes_the_place_of_its_own(fleet: FleetUnderTest, outside: Path, tmp_path: Path) -> None:
    file = tmp_path / "redis.json"
    file.write_text(json.dumps({"redis": PATIENT["redis"] | {"state": {"unix": str(outside)}}}))
    with Load(fleet.port) as load:
        fleet.run("up", "--config", str(file))
    assert load.failures == []
    fleet.request("POST", "/v1/limits/demo/outside")
    assert int(redis(outside, "DBSIZE")) > 0
    assert "redis-state" not in {entry["name"] for entry in fleet.status()["others"]}
    fleet.run("up", "--config", "none")
    assert fleet.other("redis-state")["state"] == "running"
    assert json.loads(fleet.request("GET", "/v1/limits/demo/outside")[2])["remaining"] == 10, "another truth"
