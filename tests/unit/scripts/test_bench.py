"""scripts/bench: what it reads from wrk, workers and the kernel, and what it makes of it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shoal_bench import cli, cpu, limiter, measure, wrk
from shoal_bench.figures import Figure, table
from shoal_bench.measure import Bench, Case, Measured, Sample
from shoal_bench.servers import Server

REPORT = """Running 1s test @ http://127.0.0.1:8080/
  1 threads and 32 connections
  16161 requests in 1.10s, 4.87MB read
  Socket errors: connect 0, read 1, write 2, timeout 3
  Non-2xx or 3xx responses: 40
Requests/sec:  14691.82
"""


def test_a_report_of_wrk_is_read_with_what_failed() -> None:
    load = wrk.parse(REPORT)
    assert (load.requests, load.failed, load.seconds) == (16161, 46, 1.1)
    assert round(load.rate) == 14692


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="not a report"):
        wrk.parse("unable to connect")


def test_cpu_time_is_the_process_own() -> None:
    before = cpu.total_ns({"me": [os.getpid()]})
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    after = cpu.total_ns({"me": [os.getpid()]})
    spent = cpu.per_request_us(before, after, 1000)["me"]
    assert 90 < spent < 300


def test_no_request_is_an_error_and_not_a_division_by_zero() -> None:
    with pytest.raises(ValueError, match="no request"):
        cpu.per_request_us({"a": 0}, {"a": 1}, 0)


def test_scripts_of_wrk_name_the_rule_the_keys_and_the_workers() -> None:
    assert 'ports, threads = {"9001", "9002"}, 0' in wrk.each("hot", [9001, 9002])
    assert "/v1/limits/hot/bench-" in wrk.each("hot", [9001])
    assert "math.random(0, count - 1)" in wrk.random_keys("cold", 100) and "= 100, 0" in wrk.random_keys("cold", 100)
    assert "(number + 1) % count" in wrk.every_key("cold", 100, 7) and "= 100, 7" in wrk.every_key("cold", 100, 7)


METRICS = """\
# TYPE shoal_limiter_decisions_total counter
shoal_limiter_decisions_total{rule="hot",verdict="allowed",by="memory"} 90
shoal_limiter_decisions_total{by="redis",rule="hot",verdict="allowed"} 7
shoal_limiter_decisions_total{rule="cold",verdict="refused",by="redis"} 3
shoal_limiter_other_total{by="memory"} 1000
"""


def test_who_decided_is_read_from_a_workers_metrics() -> None:
    assert measure.decisions(METRICS) == {"memory": 90, "redis": 10}


def test_how_the_cache_answered_is_read_from_its_workers_metrics() -> None:
    found = measure.decisions('shoal_cache_requests_total{site="a",result="l1"} 90\n'
                              'shoal_cache_requests_total{result="l2",site="a"} 7\n')
    assert found == {"l1": 90, "l2": 7}
    assert measure.share({"l1": 40, "l2": 7}, found) == 1.0


def test_the_share_of_memory_is_that_of_the_decisions_in_between() -> None:
    assert measure.share({"memory": 90, "redis": 10}, {"memory": 120, "redis": 20}) == 0.75
    assert measure.share({}, {"redis": 5}) == 0
    assert measure.share({"redis": 5}, {"redis": 5}) is None
    assert measure.share({}, {}) is None


def measured(name: str, *rounds: dict[str, float], memory: float | None = None) -> Measured:
    case = Case(name, Server("http://127.0.0.1:1", {}), wrk.POST)
    return Measured(case, [Sample(1000, 10.0 * number, cpu_us, memory) for number, cpu_us in enumerate(rounds, 1)])


def test_a_figure_is_the_median_of_its_rounds_and_its_sum_is_not_that_of_medians() -> None:
    found = measured("x", {"worker": 1, "redis": 9}, {"worker": 5, "redis": 1}, {"worker": 3, "redis": 4})
    assert (found.cpu_us("worker"), found.cpu_us("redis"), found.cpu_us()) == (3, 4, 7)
    assert found.cpu_us("worker", "redis") == 7
    assert (found.rate, found.from_memory) == (20, None)


def test_a_figure_says_whether_it_is_what_was_wanted() -> None:
    found = measured("worker", {"worker": 6.0, "redis": 3.0})
    assert Figure.of(found, 6.0, ("worker",), 1.0).met is True
    assert Figure.of(found, 5.0, ("worker",), 1.0).met is False
    assert Figure.of(found, 5.0, ("worker",)).met is None
    assert Figure.of(found, 6.0, (), 1.4).ratio == 1.5
    assert Figure("leases", 19.9, wanted=20.0, at_least=True).met is False
    assert Figure("leases", 20.0, wanted=20.0, at_least=True).met is True


def test_every_wanted_figure_of_the_limiter_is_in_the_table() -> None:
    figures = limiter.table_of({
        "nginx": measured("nginx: return 200", {"nginx": 5.0}),
        "local": measured("worker, local decision", {"worker": 4.0, "redis": 0.01}, memory=0.99),
        "refusal": measured("worker, remembered refusal", {"worker": 4.5, "redis": 0.01}, memory=1.0),
        "redis": measured("worker, through Redis", {"worker": 7.0, "redis": 7.0}, memory=0.0),
        "unleased": measured("worker, hot key without leases", {"worker": 7.0, "redis": 8.0}, memory=0.0),
        "bare": measured("fleet bare", {"haproxy": 11.0, "worker": 3.0, "redis": 0.0}),
        "shipped": measured("fleet as shipped", {"haproxy": 20.0, "worker": 3.0, "redis": 0.0}),
    })
    assert [(figure.name, round(figure.ratio, 2), figure.wanted, figure.met) for figure in figures] == [
        ("nginx: return 200", 1.0, None, None),
        ("worker, local decision", 0.8, 1.0, True),
        ("worker, remembered refusal", 0.9, 1.0, True),
        ("worker, through Redis", 1.4, 1.6, True),
        ("worker and Redis", 2.8, 3.0, True),
        ("fleet bare", 2.8, 2.9, True),
        ("fleet as shipped", 4.6, 4.3, False),
        ("per Redis CPU second: 100,000,000 leased, 125,000 not", 800.0, 20.0, True),
    ]


def test_a_table_has_names_to_the_left_and_numbers_to_the_right() -> None:
    figures = [Figure("nginx", 1.0, {"nginx": 5.04}, 5.04, rate=123456.0),
               Figure("worker", 1.205, {"worker": 6.07}, 6.07, 1.0, rate=9000.0, from_memory=0.987)]
    assert table("µs", "to nginx", figures).splitlines() == [
        "µs      nginx  haproxy  worker  redis  all  to nginx    wanted  met  memory  requests/s",
        "nginx     5.0                          5.0    1.00 x                            123,456",
        "worker                     6.1         6.1    1.21 x  <= 1.0 x   NO     99%       9,000",
    ]


def test_a_figure_as_json_has_what_the_table_has() -> None:
    found = Figure.of(measured("worker", {"worker": 6.00049, "redis": 1.0}, memory=0.5), 5.0, ("worker",), 1.0)
    assert found.document() == {
        "name": "worker", "ratio": 1.2, "cpu_us": {"worker": 6.0}, "total_us": 6.0, "wanted": 1.0, "at_least": False,
        "rate": 10.0, "from_memory": 0.5, "met": False}


class LoadsOf(Bench):
    """One whose wrk reports this."""

    def __init__(self, folder: Path, requests: int, failed: int) -> None:
        super().__init__(folder, 1, 1, lambda text: None)
        self._answer = wrk.Load(requests, failed, 1.0)

    def load(self, url: str, script: str, seconds: int, threads: int = 1, connections: int | None = None) -> wrk.Load:
        return self._answer


def test_a_case_that_is_not_what_it_claims_to_be_is_no_measurement(tmp_path: Path) -> None:
    server = Server("http://127.0.0.1:1", {"me": [os.getpid()]})
    good, refused = Case("good", server, wrk.POST), Case("refused", server, wrk.POST, refused=True)
    assert LoadsOf(tmp_path, 1000, 1).sample(good).requests == 1000
    assert LoadsOf(tmp_path, 1000, 900).sample(refused).requests == 1000
    with pytest.raises(RuntimeError, match="good: 2 of 1000 requests failed"):
        LoadsOf(tmp_path, 1000, 2).sample(good)
    with pytest.raises(RuntimeError, match="refused: only 899 of 1000"):
        LoadsOf(tmp_path, 1000, 899).sample(refused)


@pytest.mark.parametrize("line", ["fleet", "--rounds 0", "--seconds 61", "--connections many", "--scal"])
def test_usage_errors_of_the_bench_end_with_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(line.split(), Path("/nonexistent"))
    assert caught.value.code == 2
    assert "usage: scripts/bench" in capsys.readouterr().err
