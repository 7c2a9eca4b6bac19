"""The wanted state: written whole or not at all, and growing numbers that never fall back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shoal_fleet import files, state
from shoal_fleet.errors import FleetError
from shoal_fleet.state import Options, Place, Program, State


def sample() -> State:
    program = Program("a", 7, "0123456789ab", "d1", ["shoal-echo", "--name", "echo-1"])
    other = Program("b", 8, "0123456789ab", "d1", ["shoal-echo"])
    return State(up=True, account="shoal", data="/d", run="/r", config={"log": {"level": "info"}}, config_version=5,
                 options=Options(values={"--origin": "x"}),
                 services={"echo": [Place(1, program, other), Place(2, program, leaving=True)]})


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    state.save(tmp_path, sample())
    assert state.load(tmp_path) == sample()
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


def test_what_an_older_tool_wrote_is_read() -> None:
    text = json.loads(state.encode(sample()))
    for newer in ("previous", "trial", "rolling"):
        del text[newer]
    del text["options"]["hot_key_rate"]
    for place in text["services"]["echo"]:
        del place["weight"]
    assert state.decode(json.dumps(text)) == sample()


def test_the_build_before_is_remembered_until_another_comes() -> None:
    wanted = State(trial="b")
    for build in ("a", "b", "b"):
        wanted.set_build(build)
    assert (wanted.build, wanted.previous, wanted.trial) == ("b", "a", "")


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert state.load(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 2}', '{"format": 1, "options": {"x": 1}}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(FleetError, match="state.json") as caught:
        state.load(tmp_path)
    assert "scripts/fleet" in caught.value.hint


def test_a_write_that_fails_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state.save(tmp_path, sample())

    def broken(source: object, target: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="no room"):
        state.save(tmp_path, State())
    monkeypatch.undo()
    assert state.load(tmp_path) == sample()
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_an_unchanged_file_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "x"
    assert files.write_if_changed(file, b"1")
    inode = file.stat().st_ino
    assert not files.write_if_changed(file, b"1")
    assert file.stat().st_ino == inode
    assert files.write_if_changed(file, b"2")


def test_generations_grow_with_and_without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = State()
    monkeypatch.setattr(state.time, "time", lambda: 1000.0)
    assert [wanted.next_generation() for _ in range(3)] == [1000, 1001, 1002]
    monkeypatch.setattr(state.time, "time", lambda: 10.0)
    assert wanted.next_generation() == 1003


def test_the_configuration_gets_a_new_version_only_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = State()
    monkeypatch.setattr(state.time, "time_ns", lambda: 5_000_000)
    assert wanted.set_config({}) and wanted.config_version == 5
    assert not wanted.set_config({}) and wanted.config_version == 5
    assert wanted.set_config({"log": {}}) and wanted.config_version == 6


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_private_folder_is_never_something_else(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "run"
    if kind == "link":
        (tmp_path / "elsewhere").mkdir()
        target.symlink_to(tmp_path / "elsewhere")
    else:
        target.write_text("")
    with pytest.raises(FleetError, match="not a folder"):
        files.private_folder(target, 0o700, os.geteuid(), os.getegid())
