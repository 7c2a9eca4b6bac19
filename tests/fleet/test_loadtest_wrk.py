"""The scenario for wrk counts what the server knows of itself."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import Any

import pytest

from known_server import Answer, Asked, KnownServer
from shoal_cli import ROOT

SCENARIO = ROOT / "tests" / "load" / "wrk" / "scenario.lua"


def wrk(url: str, *words: str, code: int = 0) -> tuple[dict[str, Any], str]:
    done = subprocess.run(["wrk", "-t2", "-c4", "-d1s", "-s", str(SCENARIO), url, "--", *words], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return (json.loads(done.stdout.splitlines()[-1]) if code == 0 else {}), done.stderr


def test_statuses_and_workers_are_those_of_the_server() -> None:
    def answer(asked: Asked) -> Answer:
        status = 500 if asked.number % 10 == 0 else 429 if asked.number % 5 == 0 else 200
        return Answer(status=status, headers={"x-shoal-worker": f"limiter-{asked.number % 2}"})

    with KnownServer(answer) as server:
        found, _ = wrk(server.url, "--method", "POST", "--target", "/v1/limits/bulk/{key}", "--expect", "200,429")
        asked = server.asked
    assert found["lost"] == 0 and found["requests"] > 50
    assert abs(found["errors"] - found["requests"] / 10) <= 8  # answers on their way at the end are not counted
    assert found["statuses"].keys() == {"200", "429", "500"}
    assert sum(found["statuses"].values()) == sum(found["workers"].values())
    assert abs(sum(found["statuses"].values()) - len(asked)) <= 8
    assert found["workers"].keys() == {"limiter-0", "limiter-1"}
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p99"] <= found["latency_ms"]["max"]
    assert {one.method for one in asked} == {"POST"}
    keys = Counter(one.key for one in asked)
    assert all(one.target.startswith("/v1/limits/bulk/key-") for one in asked)
    assert keys.most_common(1)[0][0] == "key-1"


def test_without_an_exponent_all_keys_are_alike() -> None:
    with KnownServer() as server:
        wrk(server.url, "--keys", "4", "--exponent", "0", "--count", "no")
        keys = Counter(one.key for one in server.asked)
    assert keys.keys() == {"key-1", "key-2", "key-3", "key-4"}
    assert max(keys.values()) < 2 * min(keys.values())


@pytest.mark.parametrize("words", [("--keys", "0"), ("--rate", "5"), ("--expect", "20x"), ("--keys",)])
def test_wrong_words_are_refused(words: tuple[str, ...]) -> None:
    with KnownServer() as server:
        _, said = wrk(server.url, *words, code=2)
    assert "scenario.lua: " in said
