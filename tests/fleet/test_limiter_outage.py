"""The fleet without its Redis: each policy answers at once, and everything comes back by itself."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Iterator

import pytest

from concurrent_requests import Answer, ask_for, percentile
from outside_redis import OutsideRedis
from shoal_cli import FleetUnderTest, eventually

RULES = [{"name": "closed", "limit": 1000000, "period": "1s", "without_redis": "deny"},
         {"name": "open", "limit": 1000000, "period": "1s", "without_redis": "allow"}]


@pytest.fixture(scope="module")
def outside(make_fleet, binaries: Path) -> Iterator[tuple[FleetUnderTest, OutsideRedis]]:
    fleet = make_fleet()
    redis = OutsideRedis(fleet.home.parent / "outside")
    redis.start()
    config = fleet.home.parent / "outside.json"
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
    if how == "killed":
        redis.end()
    else:
        redis.pause()
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
            redis.go_on()
    eventually(lambda: recovered(fleet, rule), 5, "it recovers by itself")
    if how == "killed":
        # It had no file, so its data is gone: every worker notices, and the operator is told.
        eventually(lambda: "Redis lost its data" in fleet.run("logs").stdout, 10, "the loss is logged")


LOCAL = {"without_redis": "local"}
SHARES = [{"name": "rate", "limit": 20, "period": "1h", **LOCAL},
          {"name": "day", "algorithm": "window", "limit": 20, "period": "month", **LOCAL},
          {"name": "jobs", "algorithm": "concurrency", "limit": 6, **LOCAL},
          {"name": "closed", "limit": 5, "period": "1h"},
          {"name": "shadow", "limit": 1, "period": "1h", "shadow": True, "without_redis": "deny"}]


@pytest.fixture(scope="module")
def alone(make_fleet) -> Iterator[FleetUnderTest]:
    """Two workers whose Redis was there once and is gone now; requests go to either, at random."""
    fleet = make_fleet()
    redis = OutsideRedis(fleet.home.parent / "gone")
    redis.start()
    config = fleet.home.parent / "gone.json"
    config.write_text(json.dumps({"redis": {"state": {"unix": str(redis.socket)}},
                                  "services": {"limiter": {"rules": SHARES}}}))
    fleet.up("--workers", "2", "--routing", "random", "--config", str(config))
    redis.end()
    # A worker whose connection is only just lost answers of what may have run: that is decided locally as well.
    yield fleet
    fleet.destroy()


@pytest.mark.parametrize("rule", ["rate", "day"])
def test_two_workers_share_the_limit_evenly(alone: FleetUnderTest, rule: str) -> None:
    path = f"/v1/limits/{rule}/{uuid.uuid4()}"
    admitted: dict[str, int] = {}
    refusals: list[dict[str, str]] = []
    eventually(lambda: _take_until_refused(alone, path, admitted, refusals), 20, "both workers have spent their share")
    assert admitted == {"limiter-1": 10, "limiter-2": 10}
    assert all(int(headers["retry-after"]) >= 1 and "ratelimit" in headers for headers in refusals)


def _take_until_refused(fleet: FleetUnderTest, path: str, admitted: dict[str, int],
                        refusals: list[dict[str, str]]) -> bool:
    status, headers, body = fleet.request("POST", path)
    if status == 200:
        assert json.loads(body)["allowed"] is True
        worker = headers["x-shoal-worker"]
        admitted[worker] = admitted.get(worker, 0) + 1
        return False
    assert status == 429 and json.loads(body)["allowed"] is False
    refusals.append(headers)
    return len({refusal["x-shoal-worker"] for refusal in refusals}) == 2


def test_slots_are_shared_and_held_by_the_worker_that_gave_them(alone: FleetUnderTest) -> None:
    path = f"/v1/limits/jobs/{uuid.uuid4()}/slots"
    held: dict[str, list[str]] = {"limiter-1": [], "limiter-2": []}
    full: set[str] = set()

    def acquire() -> bool:
        status, headers, _ = alone.request("POST", path)
        worker = headers["x-shoal-worker"]
        if status == 201:
            held[worker].append(headers["location"])
        else:
            assert status == 429
            full.add(worker)
        return len(full) == 2

    eventually(acquire, 20, "both workers have given their share")
    assert {worker: len(slots) for worker, slots in held.items()} == {"limiter-1": 3, "limiter-2": 3}
    # Who does not know the slot can't tell whether it is held: 503, until the one that gave it is met.
    seen: set[int] = set()
    eventually(lambda: _met(alone, "PUT", held["limiter-1"][0], 200, seen), 20, "its own worker renews a slot")
    eventually(lambda: _met(alone, "DELETE", held["limiter-1"][0], 204, seen), 20, "its own worker releases a slot")
    assert seen <= {200, 204, 503}
    eventually(lambda: _met(alone, "POST", path, 201, set()), 20, "a released slot can be acquired")


def _met(fleet: FleetUnderTest, method: str, path: str, wanted: int, seen: set[int]) -> bool:
    status = fleet.request(method, path)[0]
    seen.add(status)
    return status == wanted


def test_a_rule_in_shadow_mode_refuses_nobody_even_now(alone: FleetUnderTest) -> None:
    for _ in range(3):
        status, headers, body = alone.request("POST", f"/v1/limits/shadow/{uuid.uuid4()}")
        said = json.loads(body)
        assert (status, said["allowed"], said["shadow"]) == (200, True, "refused")
        assert "ratelimit" not in headers


def test_a_rule_that_denies_denies_to_each_proxy_in_its_own_words(alone: FleetUnderTest) -> None:
    for query, wanted in (("", 403), ("&deny=403", 403), ("&deny=429", 503)):
        status, headers, body = alone.request("GET", f"/v1/check?rule=closed&key={uuid.uuid4()}{query}")
        assert (status, json.loads(body)["status"], headers["retry-after"]) == (wanted, wanted, "1")
    assert alone.request("GET", f"/v1/check?rule=rate&key={uuid.uuid4()}")[0] == 204


def test_a_batch_is_decided_as_far_as_its_rules_decide(alone: FleetUnderTest) -> None:
    checks = [{"rule": rule, "key": str(uuid.uuid4())} for rule in ("rate", "closed", "day")]
    status, _, body = alone.request("POST", "/v1/limits", body=json.dumps({"checks": checks}).encode())
    said = json.loads(body)
    assert (status, said["allowed"]) == (200, False)
    assert [check["allowed"] for check in said["checks"]] == [True, False, True]
    assert said["checks"][1]["retry_after_ms"] == 1000
    every = json.dumps({"checks": checks, "all_or_nothing": True}).encode()
    assert alone.request("POST", "/v1/limits", body=every)[0] == 503
    every = json.dumps({"checks": [checks[0], checks[2]], "all_or_nothing": True}).encode()
    assert alone.request("POST", "/v1/limits", body=every)[0] == 200


def test_a_refund_is_not_promised_by_anybody(alone: FleetUnderTest) -> None:
    status, headers, body = alone.request("POST", f"/v1/limits/rate/{uuid.uuid4()}/refund")
    assert (status, headers["retry-after"]) == (503, "1")
    assert "given back" in json.loads(body)["detail"]
