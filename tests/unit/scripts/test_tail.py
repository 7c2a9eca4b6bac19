"""Files read as they grow, are truncated, and are turned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shoal_fleet import journal
from shoal_fleet.commands.events import said
from shoal_fleet.journal import Journal
from shoal_fleet.tail import Tail


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.log"


def test_the_last_lines_and_those_that_come(file: Path) -> None:
    seen: list[str] = []
    tail = Tail(file, seen.append)
    tail.last(2)
    tail.more()
    assert seen == [], "there is none yet"
    file.write_text("".join(f"{number}\n" for number in range(20_000)) + "begun")
    tail = Tail(file, seen.append)
    tail.last(2)
    assert seen == ["19999", "begun"], "who does not follow sees all"
    seen.clear()
    tail.last(2, unfinished=False)
    assert seen == ["19998", "19999"]
    with file.open("a") as more:
        more.write(" and ended\nnext\n")
    tail.more()
    assert seen[2:] == ["begun and ended", "next"]
    file.write_text("anew\n")
    tail.more()
    assert seen[4:] == ["anew"], "it was truncated"
    tail.last(0)
    assert len(seen) == 5


def test_nothing_is_lost_when_a_file_is_turned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_MAX_BYTES", 700)
    entries, seen = Journal(tmp_path, "x"), list[str]()
    entries.write("step", number=0)
    tail = Tail(tmp_path / journal.FILE, seen.append)
    tail.last(10)
    for number in range(1, 100):
        entries.write("step", number=number)
        if number % 3 == 0:
            tail.more()
    assert [json.loads(line)["number"] for line in seen] == list(range(100))


def test_an_event_is_said_in_one_line() -> None:
    entry = {"time": "2026-11-23T01:02:03.456+00:00", "pid": 42, "command": "scripts/fleet scale a 2", "event": "begin"}
    assert said(json.dumps(entry)) == "2026-11-23 01:02:03.456       42  begin: scripts/fleet scale a 2"
    assert said(json.dumps(entry | {"event": "server added", "id": 3})) == \
        "2026-11-23 01:02:03.456       42  server added  id=3"
    assert said("not JSON") == "not JSON"
