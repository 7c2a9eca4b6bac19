"""What `status` and `top` make of two looks at a worker's metrics, and how they show it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from shoal_fleet import overview, traffic
from shoal_fleet.commands.top import _looks
from shoal_fleet.prometheus import Metrics
from shoal_fleet.screen import fit
from shoal_fleet.terminal import table
from shoal_fleet.traffic import UNKNOWN, Sample, measured
from shoal_fleet.watching import Watch


def metrics(asked: int = 0, quick: int = 0, stalls: int = 0, longest: float = 0.3, hits: int = 0,
            misses: int = 0) -> str:
    """`quick` of those that were asked took at most 10 ms, the others 50; `stalls` are of 100 to 250 ms."""
    return f"""
shoal_http_in_flight{{server="public"}} 2
shoal_http_in_flight{{server="site"}} 3
shoal_http_in_flight{{server="admin"}} 1
shoal_http_request_seconds_bucket{{server="public",route="a",le="0.01"}} {quick}
shoal_http_request_seconds_bucket{{server="public",route="a",le="0.05"}} {asked}
shoal_http_request_seconds_bucket{{server="public",route="a",le="+Inf"}} {asked}
shoal_http_request_seconds_count{{server="public",route="a"}} {asked}
shoal_http_request_seconds_bucket{{server="admin",route="b",le="0.01"}} {asked * 9}
shoal_http_request_seconds_bucket{{server="admin",route="b",le="+Inf"}} {asked * 9}
shoal_http_request_seconds_count{{server="admin",route="b"}} {asked * 9}
shoal_loop_stall_seconds_bucket{{le="0.1"}} {asked}
shoal_loop_stall_seconds_bucket{{le="0.25"}} {asked + stalls}
shoal_loop_stall_seconds_bucket{{le="+Inf"}} {asked + stalls}
shoal_loop_longest_stall_seconds {longest}
shoal_cache_requests_total{{site="s",result="l1"}} {hits}
shoal_cache_requests_total{{site="s",result="stale"}} {hits}
shoal_cache_requests_total{{site="s",result="miss"}} {misses}
"""


def sample(at: float, text: str, pid: int = 7) -> Sample:
    found = Metrics()
    found.add(text)
    return Sample(at, pid, found)


BEFORE = sample(10.0, metrics(asked=1000, quick=1000, hits=50, misses=900))


def test_what_has_grown_is_of_the_interval_alone() -> None:
    now = sample(12.0, metrics(asked=1100, quick=1090, stalls=1, hits=80, misses=920))
    assert measured(BEFORE, now) == {
        "interval_s": 2.0, "requests_per_s": 50.0, "p50_ms": pytest.approx(5.556, abs=0.001), "p99_ms": 46.0,
        "in_flight": 5, "loop_stall_ms": 250.0, "hit_ratio": 0.75}


def test_a_stall_is_exact_when_it_is_the_longest_so_far_and_never_above_that() -> None:
    assert measured(BEFORE, sample(12.0, metrics(asked=1001, stalls=1, longest=0.77)))["loop_stall_ms"] == 770.0
    before = sample(10.0, metrics(longest=0.12))
    assert measured(before, sample(12.0, metrics(stalls=1, longest=0.12)))["loop_stall_ms"] == 120.0


def test_when_nothing_was_asked_there_is_a_rate_and_no_time() -> None:
    now = measured(BEFORE, sample(12.0, metrics(asked=1000, quick=1000, hits=50, misses=900)))
    assert now == dict(UNKNOWN) | {"interval_s": 2.0, "requests_per_s": 0.0, "in_flight": 5}


@pytest.mark.parametrize("before", [None, sample(10.0, metrics(asked=1000), pid=8), sample(12.0, metrics())],
                         ids=["no look before", "another process", "no time between"])
def test_without_two_looks_at_one_process_only_what_is_now_is_known(before: Sample | None) -> None:
    assert measured(before, sample(12.0, metrics(asked=1100))) == dict(UNKNOWN) | {"in_flight": 5}


def test_of_who_does_not_answer_nothing_is_known() -> None:
    assert measured(BEFORE, None) == dict(UNKNOWN) == dict.fromkeys(UNKNOWN)


WORKER = {"name": "limiter-1", "state": "serving", "id": 1, "pid": 4711, "version": "0.1.0", "uptime_s": 200.0,
          "supervisor": "RUNNING", "haproxy": "UP", "weight": 256, "ring_share": 0.25, "interval_s": 1.0,
          "requests_per_s": 1234.5, "p50_ms": 0.412, "p99_ms": 12.34, "in_flight": 3, "loop_stall_ms": 2600.0,
          "hit_ratio": None}
STOPPED = dict.fromkeys(WORKER) | {"name": "limiter-12", "state": "stopped", "id": 12, "haproxy": "DOWN",
                                   "ring_share": 0.75}
OTHER = {"name": "haproxy", "pid": 12, "state": "running", "uptime_s": 7.0}


def fleet(*workers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"up": True, "home": "/h", "url": "http://u", "sites": {"cache": "http://s"}, "admin": "http://a",
            "workers": list(workers), "others": [OTHER], "changing": None, "drift": []} | more


def test_a_table_has_everything_that_is_known_where_there_is_room() -> None:
    assert overview.lines(fleet(WORKER, STOPPED), 1000) == [
        "WORKER      STATE    REQ/S     P50     P99  FLIGHT  STALL  SHARE  WEIGHT  HAPROXY  SUPERVISOR  ID   PID"
        "  UPTIME  VERSION",
        "limiter-1   serving   1234  0.41ms  12.3ms       3   2.6s  25.0%     256  UP       RUNNING      1  4711"
        "   3m20s  0.1.0",
        "limiter-12  stopped      -       -       -       -      -  75.0%       -  DOWN     -           12     -"
        "       -  -",
        "",
        "OTHER    STATE    PID  UPTIME",
        "haproxy  running   12      7s",
        "",
        "at http://u; cache's sites at http://s; stats and /metrics at http://a/",
        "no drift: all runs as wanted",
    ]


@pytest.mark.parametrize("width", [120, 100, 80])
def test_a_table_fits_a_terminal_and_keeps_what_is_asked_for_first(width: int) -> None:
    busy = WORKER | {"name": "limiter-16", "hit_ratio": 0.987, "p99_ms": 123.4, "pid": 4194304, "state": "draining"}
    lines = overview.tables(fleet(busy), width)
    assert max(map(len, lines)) <= width
    assert lines[0].split()[:6] == ["WORKER", "STATE", "REQ/S", "P50", "P99", "FLIGHT"] and "98.7%" in lines[1]
    assert ("PID" in lines[0]) == (width > 80) and ("VERSION" in lines[0]) == (width > 100)


def test_columns_do_not_come_and_go_with_the_traffic() -> None:
    idle = WORKER | dict.fromkeys(("p50_ms", "p99_ms", "loop_stall_ms"))
    assert "P50" in overview.tables(fleet(idle), 1000)[0] and "STALL" in overview.tables(fleet(idle), 1000)[0]
    assert "P50" not in overview.tables(fleet(idle | {"interval_s": None}), 1000)[0]
    assert "HITS" not in overview.tables(fleet(idle), 1000)[0]


def test_the_last_line_is_the_verdict() -> None:
    assert overview.lines(fleet(drift=["a is stopped", "b"]), 80)[-1] == "drift: a is stopped; b"
    assert overview.lines(fleet(changing="process 7: x"), 80)[-1] == "being changed by process 7: x"
    assert overview.lines({"up": False, "home": "/h"}, 80) == ["no fleet is up in /h; start it with 'scripts/fleet up'"]


def test_states_and_drift_are_coloured_without_a_change_of_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "paint", lambda text, colour: f"<{colour}>{text}</>")
    assert overview.coloured("limiter-12  stopped  -") == "limiter-12  <red>stopped</>  -"
    assert overview.coloured("drift: limiter-1 is stopped") == "<red>drift:</> limiter-1 is stopped"
    for plain in ("limiter-1  serving  0.1", "no drift: all runs as wanted", "OTHER    STATE    PID", ""):
        assert overview.coloured(plain) == plain


def test_numbers_are_aligned_to_the_right() -> None:
    assert table(["A", "N"], [["x", "1"], ["yy", "200"]], ["N"]) == "A     N\nx     1\nyy  200"


LINES = ["a" * 20, "b", "c", "d", "verdict " + "of words " * 3]


@pytest.mark.parametrize(("columns", "rows", "fitting"), [
    (80, 24, LINES[:-1] + [LINES[-1].strip()]),
    (10, 24, ["a" * 10, "b", "c", "d", "verdict of", "words of", "words of", "words"]),
    (80, 4, ["a" * 20, "b", "and 2 lines more: make the window higher", LINES[-1].strip()]),
    (80, 2, ["and 4 lines more: make the window higher", LINES[-1].strip()]),
    (80, 1, [LINES[-1].strip()]),
    (10, 3, ["a" * 10, "and 3 line", "verdict of"]),
])
def test_a_text_fits_the_screen_with_its_last_line(columns: int, rows: int, fitting: list[str]) -> None:
    found = fit(LINES, columns, rows)
    assert found == fitting and len(found) <= rows and all(len(line) <= columns for line in found)


class Looked(Watch):
    def __init__(self) -> None:
        self.count = itertools.count(1)

    def begin(self) -> bool:
        return True

    def see(self) -> dict[str, Any]:
        return {"look": next(self.count)}


def test_looks_are_as_many_as_wanted_and_the_first_comes_soon() -> None:
    waits: list[float] = []
    found = list(_looks(Looked(), 60, 3, lambda seconds: bool(waits.append(seconds))))
    assert [seen["look"] for seen in found] == [1, 2, 3]
    assert 0 < waits[0] <= 1 and all(50 < wait <= 60 for wait in waits[1:]) and len(waits) == 3


def test_looks_end_when_somebody_has_seen_enough() -> None:
    answers = iter([False, False, True])
    assert len(list(_looks(Looked(), 60, None, lambda seconds: next(answers)))) == 2


def test_looks_are_of_all_that_answer(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(fleet), "places", lambda self: [(None, None, name) for name in ("a-1", "a-2")])
    monkeypatch.setattr(traffic, "_sample", lambda fleet, name: BEFORE if name == "a-2" else None)
    assert traffic.look(fleet) == {"a-2": BEFORE}
