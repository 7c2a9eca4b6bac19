"""scripts/loadtest on a fleet: owners, the limiter's bound, the CPU of its processes, and the page of it all."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Iterator

import jsonschema
import pytest

from known_server import Answer, KnownServer
from loadtest_cli import command, environment, loadtest
from shoal_cli import ROOT, FleetUnderTest, Make

SCHEMA = json.loads((ROOT / "tests" / "load" / "results.schema.json").read_text())


@pytest.fixture(scope="module")
def fleet(make_fleet: Make) -> Iterator[FleetUnderTest]:
    found = make_fleet()
    config = found.home.parent / "load.json"
    config.write_text(json.dumps({"redis": {"command_timeout": "5s"}, "services": {"limiter": {"rules": [
        {"name": "tight", "limit": 5, "period": "1s", "burst": 3}]}}}))
    found.up("--workers", "3", "--config", str(config))
    yield found


def test_a_fleet_keeps_its_rule_and_its_owners_under_load(fleet: FleetUnderTest, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    loaded = loadtest(tmp_path, "--url", f"http://{fleet.listen}/v1/limits/tight/{{key}}", "--method", "POST", "--keys",
                      "zipf:50", "--rate", "300", "--duration", "5s", "--expect-status", "200,429", "--check-owner",
                      "--check-admissions", "5/1s+3", "--fleet", str(fleet.home), "--html", str(page))
    found = loaded.results
    assert found["requests"] == 1500 and found["errors"] == 0
    assert set(found["statuses"]) == {"200", "429"}
    # The most popular key alone was asked for far more often than it may be.
    assert 0 < found["statuses"]["200"]["requests"] <= 50 * (3 + 5 * 6)
    assert set(found["workers"]) == {"limiter-1", "limiter-2", "limiter-3"}
    assert sum(worker["keys"] for worker in found["workers"].values()) <= 50
    processes = {process["name"]: process for process in found["processes"]}
    assert {"limiter-1", "limiter-2", "limiter-3", "haproxy"} <= processes.keys() and "supervisord" not in processes
    assert all(not process["ended"] for process in processes.values())
    assert processes["haproxy"]["us_per_request"] > 1
    # What is sampled over time ends where the whole is.
    assert 0 < processes["haproxy"]["used_s"][-1] <= processes["haproxy"]["seconds"]
    text = page.read_text()
    assert "://" not in text and "limiter-3" in text and "haproxy" in text


def test_a_bound_tighter_than_the_rule_is_seen_as_broken(fleet: FleetUnderTest, tmp_path: Path) -> None:
    loaded = loadtest(tmp_path, "--url", f"http://{fleet.listen}/v1/limits/tight/{{key}}", "--method", "POST", "--keys",
                      "uniform:1", "--rate", "100", "--duration", "3s", "--expect-status", "200,429",
                      "--check-admissions", "1/1s+1", code=1)
    assert loaded.results["fates"]["over_admitted"] >= 5


def test_a_home_without_a_fleet_is_named(tmp_path: Path) -> None:
    done = subprocess.run(command("--url", "http://127.0.0.1:1/", "--fleet", tmp_path / "none"), capture_output=True,
                          text=True, timeout=60, env=environment(), check=False)
    assert done.returncode != 0 and f"--fleet {tmp_path / 'none'}" in done.stderr


@pytest.mark.parametrize("arguments", [
    ("--rate", "100", "--duration", "500ms", "--timeout", "300ms"),
    ("--rate", "20,40", "--step", "300ms", "--timeout", "200ms"),
    ("--closed", "2", "--duration", "300ms", "--timeout", "200ms"),
    ("--find-max", "--slo", "p90=100ms,errors=50%", "--rate", "200", "--trial", "50ms", "--timeout", "200ms"),
])
def test_results_are_as_their_schema_says(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    def sometimes(asked: Any) -> Answer:
        return Answer(status=404 if asked.number % 7 == 0 else 200, never=asked.number % 11 == 0)

    with KnownServer(sometimes) as server:
        loaded = loadtest(tmp_path, "--url", server.url, *arguments, code=None)
    jsonschema.validate(loaded.results, SCHEMA)
    assert loaded.code in (0, 1)
