"""Thrice as much as a fleet can do: what it still does, how it refuses the rest, and how soon it is over. Its capacity
is set by workers that are made slow, so that the generator of the load is not what is measured."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Iterator

import pytest

from loadtest_cli import loadtest
from shoal_cli import FleetUnderTest, Make

pytestmark = pytest.mark.alone

WORKERS = 2
SERVICE_MS = 5
CAPACITY = WORKERS * 1000 // SERVICE_MS
MEMORY = 200 << 20
"""Far more than what a worker or HAProxy has at rest, and than what waits within their bounds can take."""


@pytest.fixture(scope="module")
def slow(make_fleet: Make) -> Iterator[FleetUnderTest]:
    found = make_fleet()
    config = found.home.parent / "slow.json"
    config.write_text(json.dumps({"redis": {"command_timeout": "5s"}, "http": {"test": {
        "service_time": f"{SERVICE_MS}ms"}}, "services": {"limiter": {"rules": [
            {"name": "open", "limit": 1_000_000, "period": "1s"}]}}}))
    found.up("--workers", str(WORKERS), "--config", str(config))
    yield found


def load(fleet: FleetUnderTest, folder: Path, rate: int, seconds: int, *more: str) -> dict[str, dict]:
    """By status; nothing but 200, 503 and 504 may come, and an answer to each."""
    folder.mkdir(exist_ok=True)
    done = loadtest(folder, "--url", f"http://{fleet.listen}/v1/limits/open/{{key}}", "--method", "POST", "--rate",
                    str(rate), "--duration", f"{seconds}s", "--expect-status", "200,503,504", "--timeout", "20s",
                    "--connections", "2000", *more)
    assert done.results["errors"] == 0 and done.results["requests"] == rate * seconds
    return done.results["statuses"]


def peaks(fleet: FleetUnderTest) -> dict[int, int]:
    """The most memory that each process had, in bytes; those of workers, of HAProxy and of its child."""
    found = {}
    for pid in [*fleet.pids().values(), *fleet.processes()]:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"--generation" in command or b"/haproxy\0" in command:
            found[pid] = int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return found


def test_thrice_the_capacity_costs_no_goodput_and_is_over_at_once(slow: FleetUnderTest, tmp_path: Path) -> None:
    seconds = 8
    before = peaks(slow)
    peak = load(slow, tmp_path / "peak", CAPACITY, seconds)["200"]["requests"]
    refusals = []
    sampler = threading.Timer(4, lambda: refusals.extend(
        slow.request("POST", f"/v1/limits/open/sample-{i}") for i in range(60)))
    sampler.start()
    found = load(slow, tmp_path / "over", 3 * CAPACITY, seconds)
    sampler.join()
    assert found["200"]["requests"] >= 0.9 * peak
    assert found["503"]["requests"] >= 0.5 * 3 * CAPACITY * seconds
    assert found["503"]["latency_ms"]["p90"] <= 10, "refusals wait for nobody"
    refused = [headers for status, headers, _ in refusals if status == 503]
    assert refused and all(headers.get("retry-after") == "1" for headers in refused)

    after_it = peaks(slow)
    assert len(before) >= WORKERS + 1 and after_it.keys() == before.keys(), "nobody was killed, or ended"
    assert max(after_it.values()) < MEMORY

    # What had been let in is done within two seconds, and then all is as before.
    load(slow, tmp_path / "drain", CAPACITY // 4, 2)
    after = load(slow, tmp_path / "after", CAPACITY // 4, 4)
    assert set(after) == {"200"}
    assert after["200"]["latency_ms"]["p90"] <= 20 * SERVICE_MS


def test_nothing_is_begun_after_its_deadline(slow: FleetUnderTest, tmp_path: Path) -> None:
    deadline_ms = 100
    found = load(slow, tmp_path, 3 * CAPACITY, 4, "--header", f"X-Request-Deadline-Ms: {deadline_ms}")
    assert found["200"]["requests"] > 0 and found["504"]["requests"] > 0
    # A worker counts from the request's arrival; the generator from when it was to be sent.
    assert found["200"]["latency_ms"]["p90"] <= 2 * deadline_ms
