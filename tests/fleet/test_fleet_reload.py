"""New rules in every worker within a second and without a failed request; bad ones refused whole."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from load import Load
from shoal_cli import PATIENT, FleetUnderTest


def rules(limit: int, **more: Any) -> str:
    rule = {"name": "demo", "algorithm": "gcra", "limit": limit, "period": "60s", "burst": limit, "max_cost": 1,
            "without_redis": "deny"} | more
    bulk = {"name": "bulk", "algorithm": "gcra", "limit": 100000, "period": "1s", "burst": 100000, "max_cost": 10,
            "without_redis": "deny"}
    return json.dumps(PATIENT | {"services": {"limiter": {"rules": [rule, bulk]}}})


def limits(fleet: FleetUnderTest) -> set[int]:
    """The limit of demo in every worker: enough keys that each worker owns some."""
    policies = {fleet.request("GET", f"/v1/limits/demo/k{number}")[1]["ratelimit-policy"] for number in range(30)}
    return {int(policy.split(";q=")[1].split(";")[0]) for policy in policies}


def test_reload_under_load(fleet: FleetUnderTest, tmp_path: Path) -> None:
    file = tmp_path / "limits.json"
    pids = fleet.pids()
    versions = [fleet.status()["config_version"]]
    with Load(fleet.port) as load:
        for limit in (3, 7, 5):
            file.write_text(rules(limit))
            said = json.loads(fleet.run("reload", "--config", str(file), "--json").stdout)
            assert limits(fleet) == {limit}
            assert said["changed"] and said["seconds"] < 1.0
            versions.append(fleet.status()["config_version"])
    print(f"{load.requests} requests")
    assert load.failures == []
    assert versions == sorted(set(versions))
    assert fleet.pids() == pids
    assert {worker["config_version"] for worker in fleet.workers().values()} == {versions[-1]}


def test_the_file_is_remembered_and_an_unchanged_one_is_no_reload(fleet: FleetUnderTest, tmp_path: Path) -> None:
    file = tmp_path / "limits.json"
    file.write_text(rules(4))
    fleet.run("reload", "--config", str(file))
    assert "nothing to reload" in fleet.run("reload").stdout
    file.write_text(rules(6))
    started = time.monotonic()
    fleet.run("reload")
    assert time.monotonic() - started < 5
    assert limits(fleet) == {6}
    fleet.run("restart")
    assert limits(fleet) == {6}, "workers started later have the same rules"


def test_bad_rules_are_refused_with_file_path_and_reason(fleet: FleetUnderTest, tmp_path: Path) -> None:
    file = tmp_path / "limits.json"
    file.write_text(rules(4))
    fleet.run("reload", "--config", str(file))
    before = fleet.status()
    for content, path in [
        (rules(-1), "$.services.limiter.rules[0].limit"),
        (rules(4, colour="red"), "$.services.limiter.rules[0].colour"),
        ('{"services": {"limitr": {}}}', "$.services.limitr"),
        ('{"log": {"level": "loud"}}', "$.log.level"),
        ('{"version": 1}', "$.version"),
        ('{"fleet": {"workers": {"limiter": 9}}}', "$.fleet"),
        ("{", "$"),
    ]:
        file.write_text(content)
        error = fleet.run("reload", code=1).stderr
        assert f"{file}: {path}: " in error, error
        assert "nothing was changed" in error
    assert limits(fleet) == {4}
    assert fleet.status()["config_version"] == before["config_version"]
    assert "limits.json" in fleet.run("doctor", code=1).stdout


def test_another_redis_is_not_taken_by_a_reload(fleet: FleetUnderTest, tmp_path: Path) -> None:
    file = tmp_path / "redis.json"
    file.write_text(json.dumps({"redis": {"state": {"unix": "/nowhere"}}}))
    error = fleet.run("reload", "--config", str(file), code=1).stderr
    assert f"{file}: $.redis: " in error and "'scripts/fleet up' takes it" in error
    assert limits(fleet) == {10}


def test_a_missing_file_is_named(fleet: FleetUnderTest, tmp_path: Path) -> None:
    assert f"{tmp_path}/none.json" in fleet.run("reload", "--config", str(tmp_path / "none.json"), code=1).stderr
