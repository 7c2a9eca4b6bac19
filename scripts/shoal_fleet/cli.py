"""The command line of scripts/fleet: options may stand anywhere on it."""

from __future__ import annotations

import argparse
import errno
import os
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn, Sequence

from . import commands, manifest, tree
from .commands.base import number
from .errors import EXIT_CODES, MIDWAY, USAGE, FleetError, StoppedMidway
from .manifest import Manifest
from .terminal import Terminal
from .tool import Tool

_DESCRIPTION = """\
Runs a fleet of workers behind HAProxy. What you ask for is written down in the home first and then made
true, step by step; a call that was killed is finished by the next one."""

_EXAMPLES = """\
examples:
  scripts/fleet up                        build, start, and wait until every worker serves
  scripts/fleet status                    what runs, and what it does
  scripts/fleet top                       the same, again and again
  scripts/fleet scale limiter +2          two more workers, without a failed request
  scripts/fleet restart limiter           replace its workers, one after the other
  scripts/fleet reload                    read the configuration file again
  scripts/fleet ring locate limiter demo/alice
  scripts/fleet --home /srv/a up --listen 127.0.0.1:8081    a second fleet beside the first
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}\n  '{self.prog} --help' explains it", file=sys.stderr)
        raise SystemExit(USAGE)


def _workers(text: str) -> int | None:
    """None is auto."""
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 1024):
        raise argparse.ArgumentTypeError(f"must be 1 to 1024 or auto, not '{text}'")
    return int(text)


def _common(home: Path) -> argparse.ArgumentParser:
    """Options of every command. Without SUPPRESS a subcommand's default would undo what stood before it."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("options, anywhere on the line")
    where = str(home).replace("%", "%%")
    group.add_argument("--home", metavar="DIR", help=f"where the fleet keeps its state (default: {where})")
    group.add_argument("--listen", metavar="HOST:PORT", help="where HAProxy listens (for up; default: 127.0.0.1:8080)")
    group.add_argument("--config", metavar="FILE", help="the configuration (for up and reload; default: none)")
    group.add_argument("--workers", metavar="N", type=_workers,
                       help="workers of each service (for up; default: auto, one per core)")
    group.add_argument("--timeout", metavar="SECONDS", type=number(1, 3600),
                       help="how long to wait for a worker (default: 60)")
    group.add_argument("--json", action="store_true", help="print the result as JSON")
    return common


def build_parser(known: dict[str, Manifest], home: Path) -> argparse.ArgumentParser:
    common = _common(home)
    parser = _Parser(prog="scripts/fleet", description=_DESCRIPTION, epilog=_EXAMPLES + "\n" + EXIT_CODES,
                     formatter_class=argparse.RawDescriptionHelpFormatter, parents=[common])
    subparsers = parser.add_subparsers(dest="subcommand", metavar="COMMAND", required=True, parser_class=_Parser)
    commands.register_all(subparsers, common, known)
    return parser


def _on_signal(number: int, frame: FrameType | None) -> None:
    raise StoppedMidway(f"stopped by {signal.Signals(number).name}", "run the same command again: it goes on from here")


def main(arguments: Sequence[str], root: Path) -> int:
    home = tree.default_home(root)
    known: dict[str, Manifest] = {}
    bad_manifest = None
    try:
        known = manifest.load_all(root / "services")
    except FleetError as error:
        bad_manifest = error
    try:
        parser = build_parser(known, home)
    except FleetError as error:
        known, bad_manifest = {}, error
        parser = build_parser(known, home)
    args = parser.parse_args(arguments)
    as_json = getattr(args, "json", False)
    tool = Tool(
        root=root,
        home=Path(os.path.realpath(getattr(args, "home", home))),
        command=shlex.join(["scripts/fleet", *arguments]),
        terminal=Terminal(quiet=as_json and not sys.stderr.isatty()),
        timeout=getattr(args, "timeout", 60.0),
        known=known,
        bad_manifest=bad_manifest,
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    try:
        return int(args.run(tool, args))
    except FleetError as error:
        tool.terminal.error(error.message, error.hint)
        return error.code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        tool.terminal.error(str(error), f"free room on the disk of {tool.home} and of the fleet's data, then run the "
                            "same command again" if full else
                            "'scripts/fleet doctor' may know why; the same command can be run again")
        return MIDWAY
