"""scripts/loadtest says how long requests took, of servers whose delays are known."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from known_server import Answer, Asked, KnownServer
from loadtest_cli import Loaded, loadtest

pytestmark = pytest.mark.alone


def intended(loaded: Loaded) -> list[float]:
    """Microseconds of each arrival, in the order of their numbers."""
    return [float(line["intended_us"]) for line in sorted(loaded.record, key=lambda line: int(line["number"]))]


class StallsOnce:
    """Does nothing at all for a second, from five seconds after its first request on."""

    def __init__(self) -> None:
        self._first = 0.0
        self._stalled = False

    def __call__(self, asked: Asked) -> Answer:
        now = time.monotonic()
        self._first = self._first or now
        if not self._stalled and now - self._first > 5:
            self._stalled = True
            time.sleep(1)  # this is the stall, not a wait of the test
        return Answer()


# With few connections most of them can't even be sent meanwhile.
@pytest.mark.parametrize("connections", ["256", "8"])
def test_a_server_that_stalls_for_a_second_is_seen_by_all_who_came_meanwhile(tmp_path: Path, connections: str) -> None:
    with KnownServer(StallsOnce()) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--rate", "200", "--duration", "10s", "--connections", connections)
    found, latency = loaded.results, loaded.results["latency_ms"]
    assert found["requests"] == 2000 and found["errors"] == 0
    # 200 of 2000 came meanwhile and waited up to a second, so 20 of them, the last per cent, 0.9 s or more.
    assert 880 <= latency["p99"] <= 1500
    assert 980 <= latency["max"] <= 2000
    assert latency["p50"] < 100
    waited = sum(float(line["latency_us"]) > 100_000 for line in loaded.record)
    assert 170 <= waited <= 400
    # It is where those requests were due, not where their answers came.
    slow = [point["at_s"] for point in found["timeline"]["points"] if point.get("latency_ms", {}).get("max", 0) > 900]
    assert slow and 4.5 <= slow[0] <= 5.5
    # And it slowed nobody down.
    times = intended(loaded)
    assert all(abs(at - number * 5000) < 0.11 for number, at in enumerate(times))


def test_a_closed_loop_would_not_have_seen_it(tmp_path: Path) -> None:
    def stall(asked: Asked) -> Answer:
        if asked.number == 300:
            time.sleep(1)
        return Answer(delay=0.01)

    with KnownServer(stall) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--closed", "2", "--duration", "5s")
    assert loaded.results["rate_wanted"] is None
    assert loaded.results["latency_ms"]["max"] > 900
    assert loaded.results["latency_ms"]["p99"] < 500


def test_percentiles_are_those_of_the_known_delays(tmp_path: Path) -> None:
    def every_twentieth_is_slow(asked: Asked) -> Answer:
        return Answer(delay=0.4 if asked.number % 20 == 0 else 0.0)

    with KnownServer(every_twentieth_is_slow) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--rate", "250", "--duration", "4s")
    latency = loaded.results["latency_ms"]
    assert latency["p50"] < 100 and 400 <= latency["p99"] <= 800
    exact = sorted(float(line["latency_us"]) / 1000 for line in loaded.record)
    for name, rank in (("p50", 500), ("p90", 900), ("p99", 990), ("p999", 999), ("max", 1000)):
        assert exact[rank - 1] - 0.002 <= latency[name] <= exact[rank - 1] * 1.004 + 0.002, name


def test_arrivals_are_where_they_should_be_at_a_rate_that_does_not_divide(tmp_path: Path) -> None:
    with KnownServer() as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--rate", "333.3", "--duration", "3s")
    times = intended(loaded)
    assert len(times) == 1000
    assert all(abs(at - number / 333.3 * 1e6) < 0.11 for number, at in enumerate(times))
    assert loaded.results["rate_wanted"] == 333.333 or abs(loaded.results["rate_wanted"] - 333.3) < 0.1


def test_each_step_has_its_rate_and_its_own_figures(tmp_path: Path) -> None:
    with KnownServer(lambda asked: Answer(delay=0.2 if asked.number > 150 else 0.0)) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--rate", "50,100,200", "--step", "1s")
    first, second, third = loaded.results["steps"]
    assert [step["requests"] for step in (first, second, third)] == [50, 100, 200]
    assert [step["rate_wanted"] for step in (first, second, third)] == [50, 100, 200]
    assert [step["start_s"] for step in (first, second, third)] == [0, 1, 2]
    assert first["latency_ms"]["p50"] < 150 <= third["latency_ms"]["p50"]
    times = intended(loaded)
    assert [times[0], times[50], times[150]] == [0, 1e6, 2e6]


def test_a_closed_loop_has_so_many_under_way_and_no_more(tmp_path: Path) -> None:
    with KnownServer(lambda asked: Answer(delay=0.05)) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--closed", "8", "--duration", "3s")
        assert server.connections == 8
    found = loaded.results
    assert found["asked"]["mode"] == "closed" and found["errors"] == 0
    # 8 at a time, 50 ms each: at most 160 a second.
    assert 60 <= found["rate"] <= 161
    spans = [(float(line["sent_us"]), float(line["done_us"])) for line in loaded.record]
    steps = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    under_way = most = 0
    for _, change in steps:
        under_way += change
        most = max(most, under_way)
    assert most == 8


def test_requests_wait_for_a_connection_with_their_time_running(tmp_path: Path) -> None:
    with KnownServer(lambda asked: Answer(delay=0.1)) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--rate", "20", "--duration", "2s", "--connections", "1")
        assert server.connections == 1
    # 10 a second can be served: the last of 40 waits two seconds more than its own 0.1.
    assert loaded.results["errors"] == 0
    assert 1900 <= loaded.results["latency_ms"]["max"] <= 4000
    assert loaded.results["generator"]["connections_most"] == 1


def test_the_knee_of_a_server_of_known_capacity_is_found(tmp_path: Path) -> None:
    with KnownServer(service_time=0.004) as server:  # 250 a second
        loaded = loadtest(tmp_path, "--url", server.url, "--find-max", "--slo", "p99=80ms", "--rate", "60", "--trial",
                          "1s")
    knee = loaded.results["knee"]
    assert 150 <= knee["rate"] <= 280, loaded.output
    met = [(step["rate_wanted"], step["met"]) for step in loaded.results["steps"]]
    assert met[0][0] == 60.0
    assert max(rate for rate, good in met if good) == knee["rate"]
    assert f"The highest rate with p99 at most 80ms, errors at most 0.1%: {knee['rate']:.1f}/s" in loaded.output


def test_a_server_that_always_fails_has_no_knee(tmp_path: Path) -> None:
    with KnownServer(lambda asked: Answer(status=503)) as server:
        loaded = loadtest(tmp_path, "--url", server.url, "--find-max", "--slo", "p99=1s", "--rate", "2", "--trial",
                          "500ms", code=1)
    assert loaded.results["knee"]["rate"] is None
    assert "No rate that was tried" in loaded.output
