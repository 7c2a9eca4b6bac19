"""What many keys cost, in Redis and in the worker; and that a key which the worker forgets keeps its limit."""

from __future__ import annotations

import http.client
import json
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

import pytest

from shoal_cli import FleetUnderTest

KEYS = 200_000
PLANTED = 1_000_000
RULES = {"redis": {"command_timeout": "5s"}, "services": {"limiter": {"rules": [
    {"name": "wide", "limit": 10, "period": "1d"},
    {"name": "leased", "limit": 1_000_000, "period": "1s"},
    {"name": "few", "limit": 3, "period": "1h"},
]}}}

# Cells like the one under KEYS[1], so that a million of them need no million requests.
PLANT = """
local cell, left = redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
    redis.call('SET', string.format('c:{wide:planted-%07d}', i), cell, 'PX', string.format('%d', left))
end
return redis.call('MEMORY', 'USAGE', KEYS[1])
"""


@pytest.fixture(scope="module")
def fleet(make_fleet, tmp_path_factory) -> Iterator[FleetUnderTest]:
    config = tmp_path_factory.mktemp("config") / "shoal.json"
    config.write_text(json.dumps(RULES))
    made = make_fleet()
    made.up("--workers", "1", "--config", str(config))
    yield made
    made.destroy()


class Redis:
    """As little of a client as this needs."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rb")

    def __call__(self, *arguments: object) -> Any:
        words = [str(argument).encode() for argument in arguments]
        self._socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        line = self._file.readline()
        assert line[:1] in b":$+", line
        if line[:1] != b"$":
            return line[1:-2].decode()
        return self._file.read(int(line[1:]) + 2)[:-2].decode()

    def used(self) -> int:
        return int(self("INFO", "memory").partition("used_memory:")[2].split()[0])


def take_all(fleet: FleetUnderTest, rule: str, first: int, last: int) -> int:
    """In batches of 100 keys; returns how many were allowed."""
    connection = http.client.HTTPConnection("127.0.0.1", fleet.port, timeout=60)
    allowed = 0
    for start in range(first, last, 100):
        checks = [{"rule": rule, "key": f"many-{number:07d}"} for number in range(start, min(start + 100, last))]
        connection.request("POST", "/v1/limits", json.dumps({"checks": checks}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200
        allowed += sum(check["allowed"] for check in json.loads(answer.read())["checks"])
    connection.close()
    return allowed


def take_in_parallel(fleet: FleetUnderTest, rule: str, count: int) -> int:
    share = count // 8
    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(lambda part: take_all(fleet, rule, part * share, (part + 1) * share), range(8)))


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def worker_pid(fleet: FleetUnderTest) -> int:
    return int(json.loads((fleet.run_folder / "limiter-1.lock").read_text())["pid"])


def test_a_million_keys_are_small_in_redis_and_nothing_in_the_worker(fleet: FleetUnderTest) -> None:
    redis = Redis(fleet.run_folder / "redis-state.sock")
    few = f"/v1/limits/few/{uuid.uuid4()}"
    assert [fleet.request("POST", few)[0] for _ in range(4)] == [200, 200, 200, 429]
    # Tables, buffers and the allocator's arenas are there before it is measured.
    assert take_in_parallel(fleet, "leased", 20_000) == 20_000
    pid, before, used = worker_pid(fleet), resident_bytes(worker_pid(fleet)), redis.used()

    assert take_in_parallel(fleet, "wide", KEYS) == KEYS
    in_redis = (redis.used() - used) / KEYS
    assert take_in_parallel(fleet, "leased", KEYS) == KEYS
    in_worker = resident_bytes(pid) - before

    template = "c:{wide:many-0000000}"
    for start in range(0, PLANTED, 50_000):
        usage = int(redis("EVAL", PLANT, 1, template, start, start + 49_999))
    planted = (redis.used() - used) / (KEYS + PLANTED)
    print(f"Redis: {in_redis:.0f} bytes a key with {KEYS:,} keys, {planted:.0f} with {KEYS + PLANTED:,}, "
          f"{usage} by MEMORY USAGE; worker: {in_worker:,} bytes more after {2 * KEYS:,} keys")
    assert max(in_redis, planted) < 300
    # What it remembers is bounded by number and ends within 200 ms.
    assert in_worker < 40_000_000
    assert worker_pid(fleet) == pid

    assert fleet.request("POST", few)[0] == 429
    assert json.loads(fleet.request("GET", few)[2])["remaining"] == 0
    redis("FLUSHALL")
