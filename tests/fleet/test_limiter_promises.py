"""What the limiter promises with several workers, routed by key and at random, and while workers are killed."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import threading
import time
import uuid
from typing import Iterator

import pytest

from concurrent_requests import Answer, ask_for, ask_until, burst
from shoal_cli import FleetUnderTest, alive, eventually

# On a machine that is busy with other tests Redis may take longer than the default of 100 ms, and of 2,000 requests at
# once some are refused as too many to wait: neither is what is tested here.
RULES = {"redis": {"command_timeout": "5s"},
         "http": {"concurrency": {"least": 4096}},
         "services": {"limiter": {"rules": [
             {"name": "demo", "limit": 10, "period": "60s"},
             {"name": "hundred", "limit": 100, "period": "1h"},
             {"name": "hourly", "limit": 5, "period": "1h"},
             {"name": "bulk", "limit": 100000, "period": "1s"},
             {"name": "quick", "limit": 5, "period": "500ms"},
             {"name": "steady", "limit": 200, "period": "1s", "burst": 40},
         ]}}}


@pytest.fixture(scope="module", params=["hash", "random"])
def routed(request: pytest.FixtureRequest, make_fleet, tmp_path_factory) -> Iterator[FleetUnderTest]:
    config = tmp_path_factory.mktemp("config") / "shoal.json"
    config.write_text(json.dumps(RULES))
    fleet = make_fleet()
    fleet.config = config
    fleet.up("--workers", "4", "--routing", request.param, "--config", str(config))
    yield fleet
    fleet.destroy()


def admitted(answers: list[Answer]) -> int:
    return sum(answer.status == 200 for answer in answers)


@pytest.mark.parametrize("rule, budget", [("hundred", 100), ("hourly", 5)])
def test_2000_at_once_on_a_fresh_key_admit_exactly_the_budget(routed: FleetUnderTest, rule: str, budget: int) -> None:
    path = f"/v1/limits/{rule}/{uuid.uuid4()}"
    answers = burst(routed.port, [("POST", path)] * 2000)
    assert {answer.status for answer in answers} == {200, 429}
    assert admitted(answers) == budget


@pytest.mark.parametrize("cost", [50, 5_000, 100_000])
def test_a_fast_rule_admits_its_whole_burst(routed: FleetUnderTest, cost: int) -> None:
    path = f"/v1/limits/bulk/{uuid.uuid4()}?cost={cost}"
    answers = burst(routed.port, [("POST", path)] * (100_000 // cost))
    assert {answer.status for answer in answers} == {200}


def test_a_delete_a_refund_and_a_raised_limit_show_at_every_worker_in_time(routed: FleetUnderTest) -> None:
    path = f"/v1/limits/hourly/{uuid.uuid4()}"

    def spend() -> None:
        assert admitted(burst(routed.port, [("POST", path)] * 60)) == 5

    def admits(count: int) -> None:
        """Whatever worker is asked; of many requests so many are admitted once what is remembered has ended."""
        granted = admitted(burst(routed.port, [("POST", path)] * 20))
        # What a worker remembers ends 50 ms after its last look at Redis.
        deadline = time.monotonic() + 0.05 + 2
        while granted < count and time.monotonic() < deadline:
            granted += admitted(burst(routed.port, [("POST", path)] * 20))
        assert granted == count

    spend()
    assert routed.request("DELETE", path)[0] == 204
    assert admitted(burst(routed.port, [("POST", path)] * 60)) == 5  # acknowledged: in force everywhere
    status, _, body = routed.request("POST", f"{path}/refund?cost=2")
    assert (status, json.loads(body)["refunded"]) == (200, 2)
    admits(2)
    try:
        reload_with(routed, "hourly", limit=8)
        admits(3)
    finally:
        reload_with(routed, "hourly", limit=5)


def reload_with(fleet: FleetUnderTest, name: str, **changes: object) -> None:
    config = json.loads(json.dumps(RULES))
    for rule in config["services"]["limiter"]["rules"]:
        if rule["name"] == name:
            rule.update(changes)
    fleet.config.write_text(json.dumps(config))
    fleet.run("reload")


def test_refusals_consume_nothing(routed: FleetUnderTest) -> None:
    path = f"/v1/limits/quick/{uuid.uuid4()}"
    while routed.request("POST", path)[0] == 200:
        pass
    # Refused all the while, and still the whole budget is there half a second after the last admission.
    ask_for(0.2, routed.port, [path] * 4)
    reset_ms = json.loads(routed.request("GET", path)[2])["reset_ms"]
    assert reset_ms <= 500
    eventually(lambda: json.loads(routed.request("GET", path)[2])["remaining"] == 5, 2, "the budget is back")


def test_a_lone_client_that_waits_as_told_is_admitted(routed: FleetUnderTest) -> None:
    path = f"/v1/limits/quick/{uuid.uuid4()}"
    refused = 0
    for _ in range(25):
        status, _, body = routed.request("POST", path)
        if status == 429:
            refused += 1
            # The promise is about waiting, so this waits.
            time.sleep(json.loads(body)["retry_after_ms"] / 1000)
            assert routed.request("POST", path)[0] == 200
    assert refused > 5


def require_bound(answers: list[Answer], limit: float, burst_size: int) -> None:
    """An admission happened between its sending and its receipt. For any interval that begins with one's sending
    and ends with another's receipt: those wholly inside are at most burst + rate * T."""
    spans = [(answer.sent, answer.received) for answer in answers]
    starts = sorted(sent for sent, _ in spans)
    step = max(1, len(starts) // 60)
    for begin in starts[::step]:
        inside = sorted(received for sent, received in spans if sent >= begin)
        for count, end in zip(itertools.count(1), inside):
            assert count <= burst_size + limit * (end - begin), (
                f"{count} admissions in {end - begin:.4f} s, more than {burst_size} + {limit}/s")


def test_workers_killed_under_load_never_admit_one_too_many(routed: FleetUnderTest) -> None:
    seed = random.randrange(1 << 30)
    print("seed", seed)
    dice = random.Random(seed)
    path = f"/v1/limits/steady/{uuid.uuid4()}"
    kills: list[int] = []

    def kill_now_and_then() -> None:
        while len(kills) < 4:
            # The load must get through between two kills to show what they did to the budget.
            before = admitted(answers_so_far)
            eventually(lambda: admitted(answers_so_far) > before + 60, 20, "the load goes on")
            victim = json.loads(dice.choice(sorted(routed.run_folder.glob("limiter-*.lock"))).read_text())["pid"]
            if alive(victim):
                os.kill(victim, signal.SIGKILL)
                kills.append(victim)

    answers_so_far: list[Answer] = []
    end = time.monotonic() + 40
    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    try:
        answers = asyncio.run(ask_until(lambda: not killer.is_alive() or time.monotonic() > end, routed.port,
                                        [path] * 8, into=answers_so_far))
    finally:
        killer.join()
    assert len(kills) == 4
    granted = [answer for answer in answers if answer.status == 200]
    assert len(granted) > 200
    require_bound(granted, limit=200, burst_size=40)
    eventually(lambda: all(worker["state"] == "serving" for worker in routed.workers().values()), 15, "all serve again")
