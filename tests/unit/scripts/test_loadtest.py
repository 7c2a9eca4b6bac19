"""scripts/loadtest: its pages, and what it makes of its words. What it says of servers is in tests/fleet."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from samples import ROOT
from shoal_load import build, fleet, page, scales
from shoal_load.cli import main
from shoal_load.errors import LoadError
from shoal_load.results import Run, load

LATENCY = {"p50": 1.0, "p90": 2.0, "p99": 950.5, "p999": 1000.0, "max": 1010.0, "mean": 3.0}


def result(**changes: Any) -> dict[str, Any]:
    """A run of 2 s with a stall in its second half."""
    points = [{"at_s": at / 4, "due": 50, "sent": 50, "answered": 0 if at == 5 else 50, "latency_ms": LATENCY} for at in
              range(8)]
    points[5]["errors"] = {"reset": 3, "timeout": 1}
    points[7].pop("latency_ms")
    document: dict[str, Any] = {
        "format": 1, "version": "0.1.0", "url": "http://127.0.0.1:8080/<{key}>&", "target": "127.0.0.1:8080",
        "started": 1.5, "asked": {"mode": "open", "methods": {"GET": 1}, "connections": 256, "keep_alive": True,
                                  "timeout_s": 5.0, "retry": False, "seed": 7},
        "interrupted": False, "seconds": 2.0, "requests": 400, "errors": 4, "answered": 396, "rate": 198.0,
        "rate_wanted": 200.0, "latency_ms": LATENCY, "relative_error": 0.00390625,
        "fates": {"ok": 396, "reset": 3, "timeout": 1}, "details": {"reset: </td> by \"peer\"": 3},
        "statuses": {"200": {"requests": 396, "latency_ms": LATENCY}}, "knee": None,
        "steps": [{"start_s": 0.0, "length_s": 2.0, "requests": 400, "answered": 396, "errors": 4, "rate": 198.0,
                   "latency_ms": LATENCY, "rate_wanted": 200.0}],
        "keys": {"different": 10000, "skipped_lines": 0},
        "workers": {"limiter-1": {"requests": 300, "keys": 30}, "limiter-2": {"requests": 96, "keys": 10}},
        "owner_changes": 0,
        "processes": [{"name": "haproxy", "pid": 12, "seconds": 0.1, "us_per_request": 250.0, "ended": False,
                       "used_s": [0.01 * at for at in range(8)]}],
        "generator": {"late_ms": {"p50": 0.1, "p99": 0.2, "max": 0.3}, "was_late": False, "cpu_s": 0.1,
                      "cpu_us_per_request": 30.0, "connections_opened": 3, "connections_most": 3, "retried": 0,
                      "bytes_received": 100},
        "distribution": [[0.0, 0.5], [0.5, 1.0], [0.9, 2.0], [0.99, 950.5], [1.0, 1010.0]],
        "histogram": [[0.825404, 1.0, 390], [825.4, 1000.0, 6]],
        "timeline": {"interval_s": 0.25, "points": points},
    }
    return {**document, **changes}


def parsed(text: str) -> ElementTree.Element:
    first, rest = text.split("\n", 1)
    assert first == "<!DOCTYPE html>"
    return ElementTree.fromstring(rest)


def charts(root: ElementTree.Element) -> list[str]:
    return [figure.attrib["aria-label"] for figure in root.iter("svg")]


def test_a_page_needs_nothing_but_itself() -> None:
    text = page.render([Run(result(), "")])
    root = parsed(text)
    assert "://" not in text and "url(" not in text and "@import" not in text
    assert not [element.tag for element in root.iter() if {"src", "href", "srcset", "data"} & element.attrib.keys()]
    assert not {"script", "link", "img", "iframe", "object"} & {element.tag for element in root.iter()}
    assert charts(root) == ["latency of what was due then", "latency by percentile", "requests by latency", "rate",
                            "errors of what was due then", "shares of the workers", "server CPU per request"]


def test_what_servers_say_is_text_and_no_markup() -> None:
    text = page.render([Run(result(), "")])
    assert "</td> by" not in text and "&lt;/td&gt; by &quot;peer&quot;" in text
    assert "/&lt;{key}&gt;&amp;" in text


def test_the_page_has_the_figures_of_the_run() -> None:
    words = "".join(parsed(page.render([Run(result(), "")])).itertext())
    for figure in ("400", "198.000", "950.500", "1,010.000", "reset (3)", "timeout (1)", "75.8% of requests",
                   "75.0% of keys", "haproxy (250.0 µs)", "seed 7"):
        assert figure in words, figure


def test_the_stall_stands_where_it_was() -> None:
    stalled = result()
    for point in stalled["timeline"]["points"][:4]:
        point["latency_ms"] = {name: 1.0 for name in LATENCY}
    figure = next(found for found in parsed(page.render([Run(stalled, "")])).iter("svg"))
    lines = {(line.findtext("title") or "").split(",")[0]: line.attrib["points"] for line in figure.iter("polyline")}
    heights = [float(point.split(",")[1]) for point in lines["max"].split()]
    assert len(heights) == 7
    assert all(above < below - 50 for above in heights[4:] for below in heights[:4])  # 0 is at the top


def test_two_runs_stand_side_by_side_on_the_same_scales() -> None:
    slower = {**LATENCY, "p99": 1901.0}
    runs = [Run(result(), "before.json"), Run(result(latency_ms=slower, errors=2, requests=401), "after.json")]
    root = parsed(page.render(runs))
    names = charts(root)
    assert "before.json: rate" in names and "after.json: rate" in names and names.count("latency by percentile") == 1
    ticks = {figure.attrib["aria-label"]: [text.text for text in figure.iter("text")] for figure in root.iter("svg")}
    assert ticks["before.json: rate"] == ticks["after.json: rate"]
    rows = {row[0].text: row for row in root.iter("tr")}
    assert [cell.text for cell in rows["p99, ms"]] == ["p99, ms", "950.500", "1,901.000", "+100.0%"]
    assert rows["p99, ms"][3].attrib["class"] == "bad" and rows["errors"][3].attrib["class"] == "good"
    assert "p99, ms" in page.comparison_table(runs) and "+100.0%" in page.comparison_table(runs)


def test_a_run_in_which_nothing_happened_has_a_page_too() -> None:
    nothing = {name: 0.0 for name in LATENCY}
    empty = result(requests=0, errors=0, answered=0, latency_ms=nothing, fates={"ok": 0}, details={}, statuses={},
                   workers={}, distribution=[], histogram=[], processes=[], timeline={"interval_s": 0.25, "points": []},
                   interrupted=True)
    empty["steps"][0].update(requests=0, answered=0, latency_ms=nothing)
    assert "Stopped before its end" in page.render([Run(empty, "")])


def test_steps_and_trials_have_a_chart_of_latency_by_rate() -> None:
    steps = [{**result()["steps"][0], "rate_wanted": rate, "met": rate < 300} for rate in (400.0, 200.0)]
    root = parsed(page.render([Run(result(steps=steps, knee={"rate": 200.0, "slo": "", "reached_most": False}), "")]))
    assert "latency by rate" in charts(root)
    assert "too much" in "".join(root.itertext())


def test_what_is_no_result_is_refused(tmp_path: Path) -> None:
    for content, said in (("{", "is no JSON"), ("[]", "no result"), ('{"format": 2}', "format 1")):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(LoadError, match=said):
            load(tmp_path / "a.json")
    with pytest.raises(LoadError, match="can't be read"):
        load(tmp_path / "none.json")


def test_compare_writes_a_page_and_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "run.json").write_text(json.dumps(result()))
    files = [str(tmp_path / folder / "run.json") for folder in ("a", "b")]
    assert main(["compare", *files, "--html", str(tmp_path / "both.html")], ROOT) == 0
    parsed((tmp_path / "both.html").read_text())
    assert "answered, 1/s" in capsys.readouterr().out
    assert main(["compare", files[0]], ROOT) == 2
    assert main(["compare", *files, "--html"], ROOT) == 2


def test_scales_keep_the_order_and_hold_every_value() -> None:
    for scale, values in ((scales.linear([0, 3, 977]), [0, 3, 977]), (scales.logarithmic([0.002, 5, 900], 0.01), [0.01, 5, 900]),
                          (scales.percentiles(0.999), [0.0, 0.5, 0.9, 0.99, 0.999])):
        places = [scale.place(value) for value in values]
        assert places == sorted(places) and 0 <= places[0] and places[-1] <= 1 + 1e-9
        assert all(-1e-9 <= scale.place(tick) <= 1 + 1e-9 for tick in scale.ticks)
        assert 2 <= len(scale.ticks) <= 12
    # Each nine takes as much room as the one before.
    nines = scales.percentiles(0.999).place
    assert math.isclose(nines(0.99) - nines(0.9), nines(0.999) - nines(0.99), rel_tol=1e-6)
    assert scales.number(0) == "0" and scales.number(1234567) == "1,235k" and scales.number(0.5) == "0.5"


def test_help_is_there_without_a_build(tmp_path: Path) -> None:
    done = subprocess.run([ROOT / "scripts" / "loadtest", "--help"], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "SHOAL_BIN": str(tmp_path)}, check=False)
    assert done.returncode == 0 and not done.stderr
    for word in ("usage:", "examples", "exit codes", "--rate", "--html"):
        assert word in done.stdout
    assert all(len(line) <= 120 for line in done.stdout.splitlines())
    assert re.search(r"^  scripts/loadtest --url", done.stdout, re.MULTILINE)


def test_the_generator_is_built_when_it_is_missing_or_older_than_a_source(tmp_path: Path,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    program, source = tmp_path / "shoal-load", tmp_path / "tests" / "load" / "edge" / "run.cpp"
    source.parent.mkdir(parents=True)
    source.write_text("")
    assert build.is_outdated(program, tmp_path)
    program.write_text("")
    os.utime(source, (1000, 1000))
    os.utime(program, (2000, 2000))
    assert not build.is_outdated(program, tmp_path)
    os.utime(source, (3000, 3000))
    assert build.is_outdated(program, tmp_path)
    monkeypatch.setenv("SHOAL_BIN", str(tmp_path))
    with pytest.raises(LoadError, match="SHOAL_BIN"):
        build.generator(tmp_path)
    program.chmod(0o755)
    assert build.generator(tmp_path) == program


def test_the_processes_of_a_fleet_are_those_that_serve() -> None:
    status = {"workers": [{"name": "limiter-1", "pid": 5}, {"name": "limiter-2", "pid": None}],
              "others": [{"name": "supervisord", "pid": 6}, {"name": "haproxy", "pid": 7}]}
    assert fleet.from_status(status) == ["--pid", "limiter-1=5", "--pid", "haproxy=7"]
    assert fleet.from_status({}) == []


def test_the_domain_of_the_generator_has_no_sockets() -> None:
    """What may be tested without them stays so."""
    for file in (ROOT / "tests" / "load" / "domain").glob("*.?pp"):
        for included in re.findall(r'#include [<"]([^>"]+)', file.read_text()):
            assert not included.startswith(("boost/asio", "boost/beast", "sys/socket", "tests/load/edge")), (
                f"{file.name} includes {included}")
