"""What scripts/test counts, and how it ends."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shoal_test import __main__ as command
from shoal_test import builds, tidy
from shoal_test.context import Context
from shoal_test.report import Counts, Report, read_junit


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "tmp").mkdir()
    return Context(tmp_path, tmp_path / "tmp", Report(), jobs=2)


def executable(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)
    return path


def test_junit_cases_are_counted_one_by_one(tmp_path: Path) -> None:
    report = tmp_path / "r.xml"
    report.write_text('<testsuites><testsuite><testcase name="a"/><testcase name="b"><skipped/></testcase>'
                      '<testcase classname="c" name="d"><failure message="m">why</failure></testcase>'
                      '<testcase name="e"><error message="broken"/></testcase></testsuite></testsuites>')
    assert read_junit(report) == (Counts(1, 2, 1), ["c.d\nwhy", "e\nbroken"])


def test_no_result_or_half_a_result_is_none(tmp_path: Path) -> None:
    assert read_junit(tmp_path / "absent.xml") is None
    (tmp_path / "cut.xml").write_text('<testsuites><testsuite><testcase name="a"/>')
    assert read_junit(tmp_path / "cut.xml") is None


def test_the_sum_stands_alone_in_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    report.start("one")
    report.end(Counts(3, 0, 1))
    report.start("two")
    report.end(Counts(1, 2, 0), ["what went wrong"])
    assert report.summary() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "4 passed, 2 failed, 1 skipped"
    assert "   what went wrong" in lines
    assert any(line.startswith("FAILED two") for line in lines)


@pytest.mark.parametrize("counts, code", [(Counts(1, 0, 0), 0), (Counts(1, 1, 0), 1), (Counts(), 1), (Counts(0, 0, 5), 1)])
def test_only_what_ran_and_did_not_fail_ends_with_zero(counts: Counts, code: int) -> None:
    report = Report()
    report.start("x")
    report.end(counts)
    assert report.summary() == code


@pytest.mark.parametrize("script, expected", [
    ('echo "<t><testcase/><testcase/></t>" >"${!#}"', Counts(2, 0, 0)),
    ('echo "<t><testcase/><testcase><failure/></testcase></t>" >"${!#}"; exit 1', Counts(1, 1, 0)),
    ("exit 0", Counts(0, 1, 0)),
    ('echo "<t><testcase/></t>" >"${!#}"; exit 1', Counts(1, 1, 0)),
    ('echo "<t><testcase/>" >"${!#}"; kill -6 $$', Counts(0, 1, 0)),
    ("sleep 600", Counts(0, 1, 0)),
])
def test_an_executable_that_crashes_hangs_or_says_nothing_has_failed(context: Context, script: str, expected: Counts) -> None:
    test = executable(context.root / "unit_x", script)
    assert builds.run_one(context, "unit_x", ([str(test)], 2))[0] == expected


def test_a_command_that_is_too_slow_ends_with_all_its_children(context: Context) -> None:
    begin = time.monotonic()
    code, output = context.run(["bash", "-c", "echo begun; sleep 600 & echo $!; wait"], limit=1)
    assert (code, time.monotonic() - begin < 30) == (124, True)
    child = int(output.split()[1])
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}/stat").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_naming_nothing_is_everything_and_quick_parts_come_first() -> None:
    assert command.parse([]).parts == command.parse(["all"]).parts == list(command.GROUPS["all"])
    assert set(command.GROUPS["all"]) == set(command.PARTS)
    assert command.parse(["tidy", "format", "tidy"]).parts == ["format", "tidy"]
    assert command.parse(["fleet", "--long"]).long and not command.parse(["fleet"]).long
    assert command.parse(["lint"]).parts == ["format", "includes", "shell", "headers", "tidy"]


@pytest.mark.parametrize("wrong", [["everything"], ["-j", "0"], ["--frob"]])
def test_wrong_usage_ends_with_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.parse(wrong)
    assert ended.value.code == 2


SOURCES_OF = """
unit=$(for word; do case $word in *.cpp) echo "$word" ;; esac; done)
files=$(grep -h '#include "/' "$unit" | cut -d'"' -f2)
"""
COMPILER = SOURCES_OF + """
seen= line=0
for file in $files; do
    line=$((line + 1))
    case $file in *clash*) [ "$seen" ] && printf 'In file included from %s:%s:\\n/usr/a.h:1:1: error: ambiguous\\n' "$unit" $line; seen=1 ;; esac
done
"""
TIDY = SOURCES_OF + """
case "$files" in *clash_a*clash_b*|*hidden_a*hidden_b*) echo "$(echo "$files" | grep clash_b):1:1: error: [clang-diagnostic-error]"; exit 1 ;; esac
grep -q BAD ${files:-$unit} && { echo "$(grep -l BAD ${files:-$unit}):1:1: error: bad [x]"; exit 1; }
exit 0
"""


def test_sources_that_can_not_share_a_unit_get_different_ones(context: Context, monkeypatch: pytest.MonkeyPatch,
                                                               capsys: pytest.CaptureFixture[str]) -> None:
    executable(context.root / "clang-tidy-14", TIDY)
    executable(context.root / "clang++-14", COMPILER)
    monkeypatch.setenv("PATH", f"{context.root}:{os.environ['PATH']}")
    files = []
    for name, text in (("clash_a", ""), ("clash_b", ""), ("clash_c", ""), ("fine", ""), ("wrong", "BAD")):
        files.append(context.root / f"{name}.cpp")
        files[-1].write_text(text)
    units = tidy.settle(context, files, {file: [] for file in files})
    assert sorted([path.stem for path in unit.files] for unit in units) == [["clash_a", "fine", "wrong"], ["clash_b"],
                                                                            ["clash_c"]]
    hidden = [context.root / "hidden_a.cpp", context.root / "hidden_b.cpp"]
    for file in hidden:
        file.write_text("")
    assert tidy.tidy(context, tidy.united(hidden, {file: [] for file in hidden})) == (Counts(2, 0, 0), [])
    tidy.check(context, {file: [] for file in files})
    assert context.report.total == Counts(4, 1, 0)
    assert "wrong.cpp:1:1: error: bad" in capsys.readouterr().out


def test_a_unit_is_read_with_what_any_of_its_sources_needs() -> None:
    one, other = Path("/a.cpp"), Path("/b.cpp")
    unit = tidy.united([one, other], {one: ["-I/x", "-isystem", "/s"], other: ["-DY", "-I/x", "-isystem", "/t"]})
    assert unit.flags == ("-I/x", "-isystem", "/s", "-DY", "-isystem", "/t")
