"""The command line: options anywhere, and what is refused before anything is touched."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from shoal_fleet import manifest
from shoal_fleet.cli import build_parser, main
from shoal_fleet.errors import FAILED, USAGE
from samples import ROOT, Document


def parse(line: str) -> argparse.Namespace:
    return build_parser(manifest.load_all(ROOT / "services"), ROOT / ".shoal").parse_args(line.split())


@pytest.mark.parametrize("line", [
    "--home /h --listen 127.0.0.1:1 --config c --workers 3 up",
    "up --home /h --listen 127.0.0.1:1 --config c --workers 3",
    "--home /h --config c up --listen 127.0.0.1:1 --workers 3",
    "--workers=3 up --listen=127.0.0.1:1 --home=/h --config=c",
])
def test_options_may_stand_anywhere(line: str) -> None:
    args = parse(line)
    assert (args.subcommand, args.home, args.listen, args.config, args.workers) == ("up", "/h", "127.0.0.1:1", "c", 3)


def test_an_option_after_the_command_wins_and_none_is_invented() -> None:
    assert parse("--home /a status --home /b").home == "/b"
    assert not hasattr(parse("status"), "home")


@pytest.mark.parametrize("number", ["4", "+2", "-1"])
def test_scale_takes_signed_numbers(number: str) -> None:
    args = parse(f"scale limiter {number} --home /h")
    assert (args.service, args.number, args.home) == ("limiter", number, "/h")


def test_nested_commands_take_the_common_options() -> None:
    args = parse("ring --home /h locate limiter demo/alice --json")
    assert (args.home, args.service, args.keys, args.json) == ("/h", "limiter", ["demo/alice"], True)


def test_workers_auto() -> None:
    assert parse("up --workers auto").workers is None


def test_hot_keys_have_a_rate_or_none() -> None:
    assert [parse(f"up --hot-key-rate {given}").hot_key_rate for given in ("1", "20000", "none")] == [1, 20000, "none"]


@pytest.mark.parametrize("line", [
    "", "fly", "up --workers 0", "up --workers many", "up --routing sometimes", "scale limiter", "status --nope",
    "ring", "up --timeout 0", "scale limiter 1 2", "status --interval -1", "top -d 0", "top -n 0", "top -n 1.5",
    "upgrade", "upgrade /b --canary 0", "upgrade /b --watch -1", "rollback /b",
    "up --hot-key-rate 0", "up --hot-key-rate 1.5", "up --hot-key-rate never",
])
def test_usage_errors_end_with_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(line)
    assert caught.value.code == USAGE
    assert "--help" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["", "up", "down", "status", "top", "scale", "restart", "reload", "logs", "ring",
                                     "doctor", "upgrade", "rollback"])
def test_help_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(f"{command} --help")
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "usage: scripts/fleet" in text
    assert command == "doctor" or "examples:" in text
    assert command or "exit codes:" in text


@pytest.mark.parametrize("command", ["scale limiter 2", "restart", "reload", "logs", "ring show limiter",
                                     "upgrade /b", "rollback"])
def test_without_a_fleet_commands_say_how_to_start_one(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command.split(), "--home", str(tmp_path / "none")], ROOT) == FAILED
    assert "scripts/fleet up" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["status", "top -n 1 -d 0.1", "down"])
def test_without_a_fleet_there_is_nothing_to_stop_or_show(command: str, tmp_path: Path) -> None:
    assert main([*command.split(), "--home", str(tmp_path / "none")], ROOT) == 0
    assert not (tmp_path / "none").exists()


_MODULE = """
from shoal_fleet.worker_api import get


def register(subparsers, context):
    parser = context.add_parser(subparsers, "greet", "ask every worker")
    parser.add_argument("word")
    parser.set_defaults(run=run)


def run(tool, arguments):
    print(tool.home, arguments.word, get.__name__)
    return 7
"""


def tree_with(module: str | None, tmp_path: Path, document: Document) -> Path:
    folder = tmp_path / "services" / "echo"
    folder.mkdir(parents=True)
    (folder / "service.json").write_text(json.dumps(document | {"fleet_module": "fleet.py"}))
    if module is not None:
        (folder / "fleet.py").write_text(module)
    return tmp_path


def test_a_service_brings_commands_of_its_own(
    tmp_path: Path, document: Document, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tree_with(_MODULE, tmp_path, document)
    assert main(["greet", "hi", "--home", str(tmp_path / "h")], root) == 7
    assert capsys.readouterr().out == f"{tmp_path / 'h'} hi get\n"


@pytest.mark.parametrize(("module", "why"), [
    (None, "there is no"),
    ("import nowhere_at_all", "ModuleNotFoundError"),
    (_MODULE.replace('"greet"', '"up"'), "conflicting"),
])
def test_a_service_whose_commands_are_wrong_is_named_and_disables_no_other(
    module: str | None, why: str, tmp_path: Path, document: Document, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tree_with(module, tmp_path, document)
    assert main(["doctor", "--home", str(tmp_path / "h")], root) == FAILED
    said = capsys.readouterr()
    assert why in said.out + said.err and "fleet.py" in said.out + said.err
