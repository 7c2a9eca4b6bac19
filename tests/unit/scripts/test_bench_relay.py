"""scripts/bench relay: what it reads of pgbench and of the purge log, and which purge is which commit's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from shoal_bench import cli, relay
from shoal_bench.applied import Entry, Seen, first_appearances, latencies
from shoal_bench.database import Commit, Database, Load, lsn, parse, read_log

A, B = b"\0\0\0a", b"\0\0\0b"
_REPORT = """\
pgbench (15.6 (Debian 15.6-0+deb12u1))
transaction type: multiple scripts
number of transactions actually processed: 1945
number of failed transactions: 0 (0.000%)
latency average = 1.209 ms
tps = 492.117 (without initial connection time)
"""


def test_a_report_of_pgbench_is_read() -> None:
    assert parse(_REPORT) == Load(1945, 492.117)
    with pytest.raises(ValueError, match="not a report of pgbench"):
        parse("pgbench: error: connection to server failed")


def test_a_line_of_pgbenchs_log_says_when_a_transaction_began_and_ended() -> None:
    [found] = read_log(["0 199 2241 7 1175850568 995598 1241"])
    assert found.script == 7 and found.ended == pytest.approx(1175850568.995598)
    assert found.ended - found.began == pytest.approx(0.001, abs=1e-6), "what it waited for its turn is none of it"


def test_a_position_in_the_log_is_a_number() -> None:
    assert lsn("16/B374D848") == 0x16B374D848


def test_buckets_are_known_by_the_order_of_their_commits() -> None:
    assert first_appearances([Entry(1, (A,)), Entry(2, (A, B)), Entry(3, (B,))]) == [A, B]


def test_a_commit_waits_for_the_first_purge_that_the_last_worker_has_applied() -> None:
    entries = [Entry(5, (B,)), Entry(6, (A,)), Entry(7, (A,))]
    seen = [Seen(10.0, 4), Seen(10.004, 5), Seen(10.007, 7)]
    assert latencies([Commit(0, 10.001, 10.002)], [A, B], entries, seen) == pytest.approx([0.005])
    # Purged before the client had its answer.
    assert latencies([Commit(0, 10.001, 10.009)], [A, B], entries, seen) == [0.0]


def test_a_commit_is_not_taken_for_purged_by_what_another_of_its_row_did() -> None:
    entries = [Entry(1, (A,)), Entry(2, (A,)), Entry(3, (A,)), Entry(4, (A,))]
    seen = [Seen(10.0 + 0.01 * number, number) for number in range(1, 4)] + [Seen(11.0, 4)]
    commits = [Commit(0, 10.0, 10.001), Commit(0, 10.015, 10.016), Commit(0, 10.9, 10.901)]
    assert latencies(commits, [A], entries, seen) == pytest.approx([0.009, 0.099])


def test_a_commit_that_is_never_purged_is_no_figure() -> None:
    with pytest.raises(ValueError, match="was not purged within 1.0 s"):
        latencies([Commit(0, 10.0, 10.0)], [A], [Entry(1, (B,))], [Seen(11.0, 1)])


def test_a_latency_is_judged_by_its_percentiles() -> None:
    found = relay.latency_figures([1.0] * 98 + [30.0] * 2, Load(100, 500.0))
    assert [(round(figure.ratio, 2), figure.met) for figure in found] == [(0.33, True), (1.5, False)]


def test_what_has_ended_counts_as_the_databases_cpu() -> None:
    of = Database.__new__(Database)
    of.pid = os.getpid()
    before = of.cpu_ns()
    subprocess.run(["python3", "-c", "sum(range(20_000_000))"], check=True)
    assert of.cpu_ns() - before > 100_000_000


@pytest.mark.parametrize("line", ["relay --only hits", "cache --only latency", "relay --scale"])
def test_cases_of_another_service_are_usage_errors(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(line.split(), Path("/nonexistent"))
    assert ended.value.code == 2
    assert "is no case of" in capsys.readouterr().err or "--scale" in line
