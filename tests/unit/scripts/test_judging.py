"""What makes an upgrade's canaries bad."""

from __future__ import annotations

import pytest

from shoal_fleet import judging
from shoal_fleet.judging import Figures
from shoal_fleet.prometheus import Metrics
from shoal_fleet.symptoms import Sight

REST = Figures(1000, 5, 500, 0.010)


@pytest.mark.parametrize(("seen", "others", "bad"), [
    (Figures(1000, 11), Figures(1000, 0), True),
    (Figures(1000, 10), Figures(1000, 0), False),
    (Figures(1000, 90), Figures(1000, 50), False),
    (Figures(1000, 110), Figures(1000, 50), True),
    (Figures(49, 49), Figures(1000, 0), False),
    (Figures(50, 4), Figures(1000, 0), False),
    (Figures(50, 5), Figures(), True),
])
def test_errors(seen: Figures, others: Figures, bad: bool) -> None:
    assert (judging.errors(seen, others) is not None) == bad


@pytest.mark.parametrize(("seen", "others", "bad"), [
    (Figures(timed=500, p99_s=0.031), REST, True),
    (Figures(timed=500, p99_s=0.030), REST, False),
    (Figures(timed=500, p99_s=0.21), Figures(timed=500, p99_s=0.1), True),
    (Figures(timed=500, p99_s=0.19), Figures(timed=500, p99_s=0.1), False),
    (Figures(timed=49, p99_s=5), REST, False),
    (Figures(timed=500, p99_s=5), Figures(timed=49, p99_s=0.001), False),
])
def test_slowness(seen: Figures, others: Figures, bad: bool) -> None:
    assert (judging.slowness(seen, others) is not None) == bad


def test_what_was_seen_is_in_the_reason() -> None:
    assert judging.errors(Figures(200, 20), REST) == (
        "20 of 200 answers were errors (10.0%), 0.5% of 1000 before or by others")
    assert judging.slowness(Figures(timed=500, p99_s=0.5), REST) == (
        "their p99 was 500.0 ms over 500 requests, 10.0 ms over 500 before or by others")


@pytest.mark.parametrize(("rest", "usual", "held_against"), [
    (Figures(50), Figures(900), Figures(50)),
    (Figures(49), Figures(900), Figures(900)),
    (Figures(49), Figures(49), Figures()),
    # Some requests are slow, as ever: in the short watch the rest had too few of them for its p99.
    (Figures(300, 1, 300, 0.005), Figures(9000, 90, 9000, 0.42), Figures(300, 1, 9000, 0.42)),
    (Figures(300, 1, 300, 0.42), Figures(9000, 90, 9000, 0.005), Figures(300, 1, 300, 0.42)),
    (Figures(300, 1, 300, 0.005), Figures(60, 0, 40, 0.42), Figures(300, 1, 300, 0.005)),
])
def test_who_they_are_held_against(rest: Figures, usual: Figures, held_against: Figures) -> None:
    assert judging.reference(rest, usual) == held_against


def metrics(text: str) -> Metrics:
    found = Metrics()
    found.add(text)
    return found


def worker(answers: int, errors: int, quick: int, slow: int) -> Metrics:
    """`quick` took up to 10 ms, `slow` up to 100."""
    return metrics(f"""
shoal_http_requests_total{{server="api",route="r",code="200"}} {answers}
shoal_http_requests_total{{server="api",route="r",code="503"}} {errors}
shoal_http_requests_total{{server="admin",route="r",code="500"}} 1000
shoal_http_truncated_total{{server="api"}} 1
shoal_http_request_seconds_bucket{{server="api",le="0.01"}} {quick}
shoal_http_request_seconds_bucket{{server="api",le="0.1"}} {quick + slow}
shoal_http_request_seconds_bucket{{server="api",le="+Inf"}} {quick + slow}
shoal_http_request_seconds_count{{server="api"}} {quick + slow}
shoal_http_request_seconds_bucket{{server="admin",le="+Inf"}} 1000
shoal_http_request_seconds_count{{server="admin"}} 1000
""")


def sight(answers: int, errors: int, quick: int, slow: int, lost: int = 0) -> Sight:
    haproxy = metrics(f"""
haproxy_server_response_errors_total{{proxy="echo",server="echo-1"}} {lost}
haproxy_server_connection_errors_total{{proxy="echo",server="echo-1"}} {lost}
haproxy_server_response_errors_total{{proxy="echo",server="echo-2"}} 70
haproxy_server_response_errors_total{{proxy="other",server="echo-1"}} 70
""")
    return Sight(haproxy, workers={"echo-1": worker(answers, errors, quick, slow), "echo-2": worker(7, 7, 7, 7)})


def test_errors_count_from_the_beginning_and_times_from_the_half() -> None:
    looks = sight(100, 10, 0, 0, 1), sight(200, 10, 0, 50, 1), sight(400, 30, 1000, 50, 3)
    found = judging.figures(["echo-1", "echo-9"], ["echo"], *looks)
    assert (found.requests, found.errors, found.timed) == (300 + 20 + 4, 20 + 4, 1000)
    assert found.p99_s <= 0.01, "what was slow came before"


def test_a_process_of_which_nothing_was_seen_before_counts_whole() -> None:
    found = judging.figures(["echo-1"], ["echo"], Sight(), Sight(), sight(90, 10, 100, 0))
    assert (found.requests, found.errors, found.timed) == (100, 11, 100)


def test_counters_that_fell_are_another_process() -> None:
    now, before = metrics('a{x="1"} 5\nb 9'), metrics('a{x="1"} 7\nb 2')
    assert (now.since(before).total("a"), now.since(before).total("b")) == (5, 7)


def test_the_four_slowest_of_a_few_do_not_count() -> None:
    def p99(slow: int) -> float:
        return judging.figures(["echo-1"], ["echo"], Sight(), Sight(), sight(60, 0, 60 - slow, slow)).p99_s

    assert p99(4) <= 0.01 < p99(5)
