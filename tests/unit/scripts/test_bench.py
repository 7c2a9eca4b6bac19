"""scripts/bench: what it reads from wrk and from the kernel."""

from __future__ import annotations

import os
import time

import pytest

from shoal_bench import cpu, wrk

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
