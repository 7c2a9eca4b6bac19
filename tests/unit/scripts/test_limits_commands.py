"""services/limiter/fleet.py: how keys get into paths, lists become one, and what is printed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from samples import ROOT
from shoal_fleet.cli import main
from shoal_fleet.errors import FAILED, USAGE, FleetError


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("limits_commands", ROOT / "services" / "limiter" / "fleet.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


limits = _load()


def entry(rule: str, key: str, refused: int, error: int = 0) -> dict[str, object]:
    return {"rule": rule, "key": key, "refused": refused, "error": error}


def test_the_workers_lists_are_added_up_and_sorted() -> None:
    merged = limits.merge([
        [entry("login", "alice", 5, 1), entry("api", "alice", 4)],
        [entry("login", "bob", 7), entry("login", "alice", 3, 2)],
        [],
    ])
    assert [(one.rule, one.key, one.refused, one.error) for one in merged] == [
        ("login", "alice", 8, 3), ("login", "bob", 7, 0), ("api", "alice", 4, 0)]


def test_of_equals_the_surer_one_comes_first() -> None:
    merged = limits.merge([[entry("a", "x", 5, 4), entry("a", "y", 5, 0)]])
    assert [one.key for one in merged] == ["y", "x"]


@pytest.mark.parametrize("key, path", [
    ("alice", "alice"),
    ("a/b", "a%2Fb"),
    ("50%", "50%25"),
    ("GET /a b?c#d", "GET%20%2Fa%20b%3Fc%23d"),
    ("ö@1.2.3.4", "%C3%B6@1.2.3.4"),
])
def test_a_key_is_one_segment_of_the_path(key: str, path: str) -> None:
    assert limits.path_of(key) == path


def test_an_unknown_rule_is_an_error_that_names_the_others() -> None:
    with pytest.raises(FleetError, match="no rule 'nope'; there is demo, bulk"):
        limits.find_rule({"rules": [{"name": "demo"}, {"name": "bulk"}]}, "nope")


def test_a_card_has_the_rule_the_owner_and_how_the_key_stands() -> None:
    text = limits.card({
        "rule": {"name": "login", "algorithm": "gcra", "limit": 5, "period": "1m", "shadow": False},
        "key": "alice", "worker": "limiter-2",
        "standing": {"allowed": False, "limit": 5, "remaining": 0, "reset_ms": 59500, "retry_after_ms": 11500},
    })
    assert text.splitlines() == [
        "rule         login",
        "algorithm    gcra",
        "limit        5",
        "period       1m",
        "shadow       false",
        "",
        "key          alice",
        "worker       limiter-2",
        "one more     is refused",
        "remaining    0",
        "whole again  in 59.5 s",
        "retry        in 11.5 s",
    ]


def test_a_key_can_not_send_commands_to_the_terminal() -> None:
    assert limits.printable("a\x1b[2Jb\n\u202eö") == "a\\x1b[2Jb\\n\\u202eö"


@pytest.mark.parametrize("command", ["limits", "limits show", "limits top"])
def test_help_of_limits_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"], ROOT)
    assert caught.value.code == 0
    assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["limits", "limits show demo", "limits top --count 0", "limits top --count 129"])
def test_usage_errors_of_limits_end_with_2(line: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line.split(), ROOT)
    assert caught.value.code == USAGE


@pytest.mark.parametrize("command", ["limits show demo alice", "limits top"])
def test_without_a_fleet_limits_say_how_to_start_one(command: str, tmp_path: Path,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--home", str(tmp_path / "none")], ROOT) == FAILED
    assert "scripts/fleet up" in capsys.readouterr().err
