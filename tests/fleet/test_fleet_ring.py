"""`ring locate` against the live HAProxy, and routing options."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter

import pytest

from load import Load, owners
from shoal_cli import ROOT, FleetUnderTest, Make

GOLDEN = json.loads((ROOT / "tests" / "fleet" / "golden_ring.json").read_text("utf-8"))
KEYS = [f"bulk/{prefix}{number}" for number in range(2500) for prefix in ("user-", "10.0.0.", "x%20y", "%C3%B6")]


def located(fleet: FleetUnderTest) -> dict[str, str]:
    result = subprocess.run(fleet.command("ring", "locate", "limiter", "-"), input="\n".join(KEYS) + "\n",
                            capture_output=True, text=True, check=True)
    return dict(line.split("\t") for line in result.stdout.splitlines())


def test_locate_is_right_for_ten_thousand_keys_before_and_after_scaling(fleet: FleetUnderTest) -> None:
    assert len(set(KEYS)) == 10_000
    for number in ("2", "5", "4"):
        fleet.run("scale", "limiter", number)
        started = time.monotonic()
        expected = located(fleet)
        assert time.monotonic() - started < 10
        assert owners(fleet.port, KEYS) == expected
        assert len(set(expected.values())) == int(number)


def test_the_ring_is_the_one_that_was_written_down(fleet: FleetUnderTest) -> None:
    """Another hashing of HAProxy's would move every key at its upgrade; ring.py would only be wrong with it."""
    for ids, expected in GOLDEN["owners"].items():
        fleet.run("scale", "limiter", str(len(ids.split(","))))
        keys = [f"bulk/golden-{number}" for number in range(len(expected))]
        live = owners(fleet.port, keys)
        assert "".join(live[key].removeprefix("limiter-") for key in keys) == expected


def test_a_reload_of_haproxy_keeps_the_ring(fleet: FleetUnderTest) -> None:
    expected = located(fleet)
    with Load(fleet.port) as load:
        for routing in ("random", "hash"):
            fleet.run("up", "--routing", routing)
    print(f"{load.requests} requests")
    assert load.failures == []
    assert owners(fleet.port, KEYS[:2000]) == {key: expected[key] for key in KEYS[:2000]}


def test_locate_and_show(shared: FleetUnderTest) -> None:
    owner = shared.run("ring", "locate", "limiter", "demo/alice").stdout.strip()
    assert shared.request("GET", "/v1/limits/demo/alice")[1]["x-shoal-worker"] == owner
    blank = shared.run("ring", "locate", "limiter", "demo/with blank").stdout.strip()
    assert shared.request("GET", "/v1/limits/demo/with%20blank")[1]["x-shoal-worker"] == blank
    shares = json.loads(shared.run("ring", "show", "limiter", "--json").stdout)
    assert abs(sum(entry["share"] for entry in shares) - 1) < 1e-9
    assert len(shares) == 3


def test_the_query_does_not_change_the_owner(shared: FleetUnderTest) -> None:
    seen = {shared.request("GET", f"/v1/limits/bulk/one?cost={cost}")[1]["x-shoal-worker"] for cost in range(1, 10)}
    assert len(seen) == 1


def test_a_key_has_one_owner_whichever_way_it_is_asked_for(shared: FleetUnderTest) -> None:
    expected = located(shared)
    for key in KEYS[:1000]:
        rule, name = key.split("/")
        for query in (f"rule={rule}&key={name}", f"cost=2&key={name}&deny=429&rule={rule}&path=/x?key=other"):
            assert shared.request("POST", f"/v1/check?{query}")[1]["x-shoal-worker"] == expected[key], query
    for key, below in (("bulk/one", "/refund"), ("bulk/two", "/slots"), ("bulk/three", "/slots/0123")):
        owner = shared.run("ring", "locate", "limiter", key).stdout.strip()
        assert shared.request("POST", f"/v1/limits/{key}{below}")[1]["x-shoal-worker"] == owner


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/limits"), ("POST", "/v1/limits"), ("GET", "/v1/check"),
                                              ("GET", "/v1/check?rule=bulk"), ("GET", "/v1/openapi.json")])
def test_what_has_no_key_goes_to_every_worker(shared: FleetUnderTest, method: str, path: str) -> None:
    seen = Counter(shared.request(method, path)[1]["x-shoal-worker"] for _ in range(300))
    assert len(seen) == 3 and max(seen.values()) < 160, seen


def test_random_routing_reaches_every_worker_with_one_key(make_fleet: Make) -> None:
    fleet = make_fleet()
    fleet.up("--workers", "3", "--routing", "random")
    seen = {fleet.request("GET", "/v1/limits/bulk/one")[1]["x-shoal-worker"] for _ in range(60)}
    assert len(seen) == 3
    codes = [fleet.request("POST", "/v1/limits/demo/anywhere")[0] for _ in range(12)]
    assert codes == [200] * 10 + [429] * 2
