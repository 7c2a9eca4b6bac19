"""What operators ask the limiter: how a key stands, and who is refused most."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from shoal_cli import FleetUnderTest, Make

RULES = [{"name": "demo", "limit": 10, "period": "60s"},
         {"name": "login", "limit": 3, "period": "1h", "burst": 3, "without_redis": "allow"}]


@pytest.fixture(scope="module")
def limits(make_fleet: Make) -> FleetUnderTest:
    fleet = make_fleet()
    config = fleet.home.parent / f"{fleet.home.name}.json"
    config.write_text(json.dumps({"redis": {"command_timeout": "5s"}, "services": {"limiter": {"rules": RULES}}}))
    fleet.up("--workers", "3", "--config", str(config))
    return fleet


def fresh() -> str:
    return uuid.uuid4().hex


def spend(fleet: FleetUnderTest, rule: str, key: str, times: int) -> str:
    """The worker that answered, of all the same."""
    workers = {fleet.request("POST", f"/v1/limits/{rule}/{quote(key, safe='')}")[1]["x-shoal-worker"]
               for _ in range(times)}
    assert len(workers) == 1
    return workers.pop()


def show(fleet: FleetUnderTest, rule: str, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.run("limits", "show", rule, key, "--json").stdout)
    return found


def top(fleet: FleetUnderTest, *arguments: str) -> dict[tuple[str, str], int]:
    found = json.loads(fleet.run("limits", "top", "--json", *arguments).stdout)
    assert found["missing"] == []
    return {(entry["rule"], entry["key"]): entry["refused"] for entry in found["refused"]}


@pytest.mark.parametrize("suffix", ["", "/b c", " 100% ö?#"])
def test_a_key_is_shown_as_clients_and_the_ring_have_it(limits: FleetUnderTest, suffix: str) -> None:
    key = fresh() + suffix
    worker = spend(limits, "login", key, 2)
    found = show(limits, "login", key)
    assert (found["key"], found["worker"]) == (key, worker)
    assert (found["rule"]["name"], found["rule"]["limit"], found["rule"]["burst"]) == ("login", 3, 3)
    assert (found["standing"]["remaining"], found["standing"]["allowed"]) == (1, True)
    spend(limits, "login", key, 2)
    standing = show(limits, "login", key)["standing"]
    assert (standing["remaining"], standing["allowed"]) == (0, False)
    assert standing["retry_after_ms"] > 0


def test_looking_takes_nothing_and_is_readable(limits: FleetUnderTest) -> None:
    key = fresh()
    worker = spend(limits, "login", key, 1)
    for _ in range(5):
        lines = limits.run("limits", "show", "login", key).stdout.splitlines()
    said = dict(line.split(None, 1) for line in lines if line)
    assert (said["rule"], said["period"], said["without_redis"]) == ("login", "1h", "allow")
    assert (said["key"], said["worker"], said["remaining"]) == (key, worker, "2")
    assert "one more       is allowed" in lines
    columns = {len(line) - len(line.split("  ", 1)[1].lstrip()) for line in lines if line}
    assert len(columns) == 1, "the second column is not aligned"


def test_an_unknown_rule_is_an_error_that_names_the_others(limits: FleetUnderTest) -> None:
    done = limits.run("limits", "show", "nope", "alice", code=1)
    assert "no rule 'nope'; there is demo, login" in done.stderr


def test_the_most_refused_keys_of_all_workers_are_listed(limits: FleetUnderTest) -> None:
    keys = [fresh() for _ in range(12)]
    owners = set()
    for number, key in enumerate(keys):
        # Three pass, the rest is refused.
        owners.add(spend(limits, "login", key, 3 + 10 + number))
    assert len(owners) > 1, "one worker owns all twelve keys"
    found = top(limits, "--count", "128")
    assert {key: found[("login", key)] for key in keys} == {key: 10 + number for number, key in enumerate(keys)}
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert [key for _, key in top(limits, "--count", "3")] == keys[:-4:-1]
    lines = limits.run("limits", "top", "--count", "3").stdout.splitlines()
    assert lines[0].split() == ["REFUSED", "ERROR", "RULE", "KEY"]
    assert [line.split() for line in lines[1:]] == [[str(10 + number), "0", "login", keys[number]]
                                                    for number in (11, 10, 9)]


def test_a_key_that_several_workers_refused_is_counted_once(limits: FleetUnderTest) -> None:
    key = fresh()
    spend(limits, "login", key, 3 + 40)
    for worker in limits.workers():
        for _ in range(7):
            assert post_to(limits.run_folder / f"{worker}.sock", f"/v1/limits/login/{key}") == 429
    assert top(limits)[("login", key)] == 40 + 3 * 7


def test_a_worker_that_does_not_answer_is_named(limits: FleetUnderTest) -> None:
    name, pid = next(iter(limits.pids().items()))
    with limits.left_alone():
        os.kill(pid, signal.SIGSTOP)
        try:
            done = limits.run("limits", "top", "--json")
        finally:
            os.kill(pid, signal.SIGCONT)
    assert json.loads(done.stdout)["missing"] == [name]


class _Unix(http.client.HTTPConnection):
    def __init__(self, place: Path) -> None:
        super().__init__("worker", timeout=10)
        self._place = place

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._place))


def post_to(place: Path, path: str) -> int:
    """Past HAProxy: at whichever worker."""
    connection = _Unix(place)
    try:
        connection.request("POST", path)
        return connection.getresponse().status
    finally:
        connection.close()
