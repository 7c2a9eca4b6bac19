"""scripts/bench cache: the loads that it asks wrk for, and what it makes of what was measured."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from shoal_bench import cache, caches, cli, purging, weight, wrk
from shoal_bench.cache import NGINX, VARNISH, WORKER, Plan
from shoal_bench.figures import Figure, table
from shoal_bench.measure import Case, Measured, Sample
from shoal_bench.servers import Server, running
from samples import ROOT

# What wrk gives a script, as far as these use it; prints what is asked for.
_WRK = """
wrk = {format = function(method, path) return method .. " " .. path .. " HTTP/1.1\\r\\n" end}
dofile(arg[1])
init()
for number = 1, tonumber(arg[2]) do io.write(request():match("^(.-) HTTP"), "\\n") end
"""


def asked(tmp_path: Path, script: str, count: int) -> list[str]:
    interpreter = next((one for one in ("luajit", "lua5.1", "lua5.3", "lua5.4", "lua") if shutil.which(one)), None)
    if interpreter is None:
        pytest.skip("needs lua")
    for name, text in (("host.lua", _WRK), ("load.lua", script)):
        (tmp_path / name).write_text(text)
    done = subprocess.run([interpreter, tmp_path / "host.lua", tmp_path / "load.lua", str(count)], capture_output=True,
                          text=True, check=True)
    return done.stdout.splitlines()


def test_paths_are_taken_in_turn_and_begin_again(tmp_path: Path) -> None:
    assert asked(tmp_path, wrk.paths(1024, 3), 4) == ["GET /1024/1", "GET /1024/2", "GET /1024/0", "GET /1024/1"]
    assert asked(tmp_path, wrk.paths(200, 1000, 7), 1) == ["GET /200/8"]


def test_new_paths_are_never_asked_for_twice(tmp_path: Path) -> None:
    assert len(set(asked(tmp_path, wrk.new_paths(200), 100))) == 100


def test_popularity_falls_with_the_rank_and_all_sizes_are_asked_for(tmp_path: Path) -> None:
    paths = asked(tmp_path, wrk.zipf(1000, (200, 4096), 7), 20_000)
    first, tenth = (sum(path.endswith(f"/zipf-{rank}") for path in paths) for rank in (1, 10))
    assert 5 < first / tenth < 13, "10 to the power of 0.9 is 8"
    assert {path.split("/")[1] for path in paths} == {"200", "4096"}


def measured(*rounds: dict[str, float]) -> Measured:
    return Measured(Case("x", Server("http://127.0.0.1:1", {}), wrk.GET), [Sample(1, 1.0, one, None) for one in rounds])


def test_every_promise_has_its_figure_by_the_rounds_own_ratios() -> None:
    costs = {
        # The machine was twice as slow in the second round: that is no difference between the two.
        (NGINX, "200 B, 32 c."): measured({"nginx": 10.0}, {"nginx": 20.0}, {"nginx": 10.0}),
        (VARNISH, "200 B, 32 c."): measured({"varnish": 20.0}, {"varnish": 40.0}, {"varnish": 20.0}),
        (WORKER, "200 B, 32 c."): measured({"worker": 5.0, "redis": 9.0}, {"worker": 10.0}, {"worker": 5.0}),
        (VARNISH, "alone"): measured({"varnish": 20.0}),
        (WORKER, "HAProxy bare"): measured({"haproxy": 16.0, "worker": 5.0, "redis": 9.0}),
        (VARNISH, "HAProxy as shipped"): measured({"haproxy": 30.0, "varnish": 20.0}),
        (WORKER, "HAProxy as shipped"): measured({"haproxy": 30.0, "worker": 5.0}),
    }
    assert [(figure.name, round(figure.ratio, 2), figure.wanted, figure.met) for figure in cache.promises(costs)] == [
        ("worker, 200 B, 32 c. / nginx proxy_cache, 200 B, 32 c.", 0.5, 0.6, True),
        ("worker, 200 B, 32 c. / Varnish, 200 B, 32 c.", 0.25, 0.35, True),
        ("worker, HAProxy bare / Varnish, alone", 1.05, 1.0, False),
        ("worker, HAProxy as shipped / Varnish, HAProxy as shipped", 0.7, 0.75, True),
    ]


def test_figures_stand_beside_nginx_at_the_same() -> None:
    found = cache.beside({(NGINX, "a"): measured({"nginx": 10.0}), (NGINX, "b"): measured({"nginx": 40.0}),
                          (WORKER, "b"): measured({"worker": 20.0, "redis": 5.0})}, ("worker",))
    assert [figure.ratio for figure in found] == [1.0, 1.0, 0.5]
    assert found[2].cpu_us == {"worker": 20.0}


def test_a_purge_is_judged_by_its_99th_percentile() -> None:
    median, last = purging.figures([float(number) for number in range(1, 101)], 1000.0, 4000.0)
    assert median.name == "purge p50 50.5 ms, to 10 ms" and median.met is None
    assert last.name.startswith("purge p99 100.0 ms") and last.met is False
    assert purging.figures([1.0] * 50, 1.0, 4.0)[1].met is True


def test_what_a_process_weighs_is_the_kernels_word() -> None:
    before = weight.resident(os.getpid())
    kept = bytearray(os.urandom(1)) * (32 << 20)
    assert 30 << 20 < weight.resident(os.getpid()) - before < 40 << 20
    assert kept


def test_a_column_for_varnish_is_there_when_it_was_measured() -> None:
    title, line = table("µs", "to nginx", [Figure("Varnish", 0.355, {"varnish": 9.0}, 9.0, 0.35)]).splitlines()
    assert title.split()[1:7] == ["nginx", "haproxy", "worker", "redis", "varnish", "all"]
    assert "<= 0.35 x" in line and line.split()[1] == "9.0"


def test_what_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="(?s)it did not start: sh.*no such thing"):
        with running(["sh", "-c", "echo no such thing >&2"], "it", lambda _: False, tmp_path / "log"):
            pass


def test_only_what_is_named_is_measured() -> None:
    assert all(Plan(1, (), False).has(name) for name in cache.NAMES)
    assert [name for name in cache.NAMES if Plan(1, ("l2",), False).has(name)] == ["l2"]


def test_both_caches_get_the_configuration_of_the_fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    monkeypatch.setattr(caches, "haproxy", lambda folder, name, text, *more: found.append(text))
    for name in ("varnish", "worker"):
        behind = caches.Cache(Server("http://127.0.0.1:1", {}), tmp_path / name)
        caches.shipped(ROOT, tmp_path, name, behind, tmp_path / "admin", None)
    assert all(f"unix@{tmp_path / name} id 1" in text and "frontend cache-site" in text
               for name, text in zip(("varnish", "worker"), found))


@pytest.mark.parametrize("line", ["limiter --quick", "limiter --only hits", "cache --scale", "cache --only everything"])
def test_options_of_the_other_are_usage_errors(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(line.split(), Path("/nonexistent"))
    assert caught.value.code == 2
    assert "usage: scripts/bench" in capsys.readouterr().err
