"""When scripts/test runs the libFuzzer targets, and which."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal_test import fuzz
from shoal_test.context import Context
from shoal_test.report import Counts, Report


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "tests/fuzz").mkdir(parents=True)
    (tmp_path / "build/fuzz/tests/fuzz").mkdir(parents=True)
    return Context(tmp_path, tmp_path, Report(), jobs=1)


def target(context: Context, name: str, script: str) -> None:
    (context.root / f"tests/fuzz/{name}.cpp").touch()
    path = context.root / f"build/fuzz/tests/fuzz/fuzz_{name}"
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


def test_without_the_compiler_it_is_skipped_and_says_what_is_missing(
        context: Context, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(fuzz, "COMPILER", "no-such-compiler")
    fuzz.run_fuzzers(context)
    assert context.report.total == Counts(skipped=1)
    assert "libclang-rt-14-dev" in capsys.readouterr().out


def test_targets_are_those_of_the_sources_and_can_be_chosen(context: Context) -> None:
    for name in ("range", "chunked"):
        target(context, name, "true")
    (context.root / "build/fuzz/tests/fuzz/fuzz_gone").touch()
    assert fuzz.chosen(context) == ["chunked", "range"]
    context.only = "rang"
    assert fuzz.chosen(context) == ["range"]


def test_a_target_runs_the_same_inputs_each_time_and_one_that_ends_badly_says_why(context: Context) -> None:
    target(context, "good", '[[ "$*" == *"-runs="*"-seed=1 "* ]]')
    target(context, "bad", "echo found something; exit 77")
    assert fuzz.run_one(context, "good") == ""
    assert "77" in fuzz.run_one(context, "bad")
    assert "found something" in fuzz.run_one(context, "bad")
