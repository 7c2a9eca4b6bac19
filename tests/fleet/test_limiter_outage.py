"""The fleet without its Redis: each policy answers at once, and everything comes back by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import uuid
from pathlib import Path
from typing import Iterator

import pytest

from concurrent_requests import Answer, ask_for, percentile
from shoal_cli import FleetUnderTest, eventually

RULES = [{"name": "closed", "limit": 1000000, "period": "1s", "without_redis": "deny"},
         {"name": "open", "limit": 1000000, "period": "1s", "without_redis": "allow"}]


class OutsideRedis:
    """One that is not the fleet's own, so that nothing starts it again."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "777", "--dir",
             str(self._folder), "--save", "", "--logfile", str(self._folder / "log")], stdin=subprocess.DEVNULL)
        eventually(self.answers, 10, "Redis answers")

    def answers(self) -> bool:
        return subprocess.run(["redis-cli", "-s", str(self.socket), "ping"], capture_output=True,
                              check=False).stdout == b"PONG\n"

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def outside(make_fleet, binaries: Path) -> Iterator[tuple[FleetUnderTest, OutsideRedis]]:
    fleet = make_fleet()
    folder = fleet.home.parent / "outside"
    folder.mkdir(mode=0o755)
    redis = OutsideRedis(folder)
    redis.start()
    config = folder / "shoal.json"
    config.write_text(json.dumps({"redis": {"state": {"unix": str(redis.socket)}},
                                  "services": {"limiter": {"rules": RULES}}}))
    fleet.up("--workers", "2", "--config", str(config))
    yield fleet, redis
    fleet.destroy()
    redis.end()


def ask(fleet: FleetUnderTest, rule: str, seconds: float = 1.5) -> list[Answer]:
    return ask_for(seconds, fleet.port, [f"/v1/limits/{rule}/{uuid.uuid4()}" for _ in range(2)])


def require_policy(answers: list[Answer], status: int) -> None:
    """p99 by the worker's own measure: the test's client is slower than what it measures."""
    assert len(answers) > 300
    took = [answer.worker_ms for answer in answers]
    assert percentile(took, 0.99) <= 5.0
    late = [answer for answer in answers[len(answers) // 2:] if answer.status != status]
    assert not late
    assert {answer.status for answer in answers} == {status}


def recovered(fleet: FleetUnderTest, rule: str) -> bool:
    status, headers, _ = fleet.request("POST", f"/v1/limits/{rule}/{uuid.uuid4()}")
    return status == 200 and "ratelimit" in headers


@pytest.mark.parametrize("rule, status", [("closed", 503), ("open", 200)])
@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_each_policy_answers_at_once_and_recovers(outside: tuple[FleetUnderTest, OutsideRedis], how: str, rule: str,
                                                  status: int) -> None:
    fleet, redis = outside
    eventually(lambda: recovered(fleet, rule), 10, "healthy to begin with")
    assert redis.process is not None
    if how == "killed":
        redis.end()
    else:
        os.kill(redis.process.pid, signal.SIGSTOP)
    try:
        # Each worker finds out with its first request; one that is stopped, after the command's time-out.
        require_policy(ask(fleet, rule), status)
        found, headers, body = fleet.request("POST", f"/v1/limits/{rule}/somebody")
        assert found == status
        if status == 503:
            assert int(headers["retry-after"]) >= 1
            assert headers["content-type"] == "application/problem+json"
        else:
            assert json.loads(body)["allowed"] is True
        assert fleet.request("DELETE", f"/v1/limits/{rule}/somebody")[0] == 503
        assert all(worker["state"] == "serving" for worker in fleet.workers().values())
    finally:
        if how == "killed":
            redis.start()
        else:
            os.kill(redis.process.pid, signal.SIGCONT)
    eventually(lambda: recovered(fleet, rule), 5, "it recovers by itself")
    if how == "killed":
        # It had no file, so its data is gone: every worker notices, and the operator is told.
        eventually(lambda: "Redis lost its data" in fleet.run("logs").stdout, 10, "the loss is logged")
