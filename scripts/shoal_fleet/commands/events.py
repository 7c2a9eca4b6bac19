"""scripts/fleet events: what was done to the fleet, from its journal."""

from __future__ import annotations

import argparse
import json
from typing import Any, Callable

from ..journal import FILE
from ..manifest import Manifest
from ..tail import Tail, follow
from ..tool import Tool
from .base import add_parser

_EXAMPLES = """\
One line for each step of each call of scripts/fleet that changed something: when, by which process, what. What
happened to a process by itself is in 'scripts/fleet logs supervisord'. With --json, a line is an object.

examples:
  scripts/fleet events -n 100
  scripts/fleet events -f --json | jq 'select(.event == "end" and .code != 0)'
"""
# Said at the beginning of a line.
_LEADING = ("time", "pid", "event", "command")


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "events", "print what was done to the fleet", epilog=_EXAMPLES)
    parser.add_argument("-f", "--follow", action="store_true", help="go on as more is done")
    parser.add_argument("-n", "--lines", metavar="N", type=int, default=20, help="how many last ones (default: 20)")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    show: Callable[[str], None] = print if getattr(args, "json", False) else _show
    journal = Tail(tool.home / FILE, show)
    journal.last(max(0, args.lines), unfinished=not args.follow)
    if args.follow:
        follow([journal])
    return 0


def _show(line: str) -> None:
    print(said(line))


def said(line: str) -> str:
    """A line of the journal, for people."""
    try:
        entry: dict[str, Any] = json.loads(line)
        details = [f"{name}={value}" for name, value in entry.items() if name not in _LEADING]
        # A call's own line says what it was.
        what = f"{entry['event']}: {entry['command']}" if entry["event"] == "begin" else str(entry["event"])
        return "  ".join([entry["time"][:23].replace("T", " "), f"{entry['pid']:>7}", what, *details])
    except (ValueError, KeyError, TypeError):
        return line
