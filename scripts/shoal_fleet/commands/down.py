"""scripts/fleet down."""

from __future__ import annotations

import argparse
import shutil
from typing import Any

from .. import stopping
from ..manifest import Manifest
from ..tool import Tool
from .base import add_parser

_EXAMPLES = """\
HAProxy finishes its requests, workers drain, Redis writes to disk. The data stays: the next 'up' goes on with
the same limits, options and number of workers. Safe to run again.

examples:
  scripts/fleet down
  scripts/fleet down --purge     and forget everything: Redis' data, logs, options
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "down", "stop the fleet", epilog=_EXAMPLES)
    parser.add_argument("--purge", action="store_true", help="remove its data, logs and state as well")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    if not (tool.home / "state.json").exists():
        tool.terminal.say(f"no fleet is up in {tool.home}")
        return 0
    with tool.lock():
        fleet = tool.open()
        fleet.journal.write("begin")
        was_up = fleet.state.up
        stopping.stop(fleet)
        fleet.journal.write("end", code=0)
        if args.purge:
            shutil.rmtree(fleet.layout.data, ignore_errors=True)
            for name in ("state.json", "journal.jsonl", "journal.jsonl.1"):
                (tool.home / name).unlink(missing_ok=True)
    tool.terminal.say("the fleet is down" if was_up else f"no fleet was up in {tool.home}")
    return 0
