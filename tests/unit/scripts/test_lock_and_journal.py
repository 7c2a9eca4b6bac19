"""One changes a fleet at a time, and what was done can be read afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shoal_fleet import journal, lock
from shoal_fleet.errors import Locked
from shoal_fleet.journal import Journal
from shoal_fleet.lock import FleetLock


def test_the_second_is_told_who_is_first(tmp_path: Path) -> None:
    with FleetLock(tmp_path, "scripts/fleet up"):
        with pytest.raises(Locked) as caught, FleetLock(tmp_path, "scripts/fleet down"):
            pass
        assert str(os.getpid()) in caught.value.message
        assert "scripts/fleet up" in caught.value.message
        assert caught.value.code == 5
    with FleetLock(tmp_path, "scripts/fleet down"):
        pass


def test_a_lock_goes_with_its_holder(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        FleetLock(tmp_path, "killed").__enter__()
        os._exit(9)
    os.waitpid(child, 0)
    assert lock.holder(tmp_path) is None
    with FleetLock(tmp_path, "next"):
        assert "next" in (lock.holder(tmp_path) or "")


def test_the_journal_is_lines_of_json(tmp_path: Path) -> None:
    entries = Journal(tmp_path, "scripts/fleet scale echo 2")
    entries.write("begin", workers=1)
    entries.write("end", code=0)
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["begin", "end"]
    assert lines[0]["workers"] == 1
    assert {line["command"] for line in lines} == {"scripts/fleet scale echo 2"}


def test_the_journal_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_MAX_BYTES", 500)
    entries = Journal(tmp_path, "x")
    for number in range(50):
        entries.write("step", number=number)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2000
    assert (tmp_path / "journal.jsonl").read_text().splitlines()[-1].find('"number": 49') > 0
