"""scripts/fleet logs."""

from __future__ import annotations

import argparse
from typing import Any, Callable

from ..errors import FleetError
from ..manifest import Manifest
from ..tail import Tail, follow
from ..tool import Tool
from .base import add_parser

_EXAMPLES = """\
Beside the workers there are access (HAProxy's access log), haproxy, redis-state, supervisord, keeper, rotate, and
redis-l2 and postgres where they run.

examples:
  scripts/fleet logs                    the last lines of all, each with its name before it
  scripts/fleet logs limiter-1 -f
  scripts/fleet logs access -n 1000
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "logs", "print the logs", epilog=_EXAMPLES)
    parser.add_argument("worker", metavar="WORKER", nargs="?")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines are added")
    parser.add_argument("-n", "--lines", metavar="N", type=int, help="how many last lines (default: 50; of all: 10)")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    folder = tool.open().layout.logs
    present = sorted(path.stem for path in folder.glob("*.log"))
    if args.worker is None:
        names, lines = [name for name in present if name != "access"], 10
    elif args.worker in present:
        names, lines = [args.worker], 50
    else:
        raise FleetError(f"there is no log '{args.worker}'; there are {', '.join(present) or 'none'}",
                         "'scripts/fleet status' shows the workers")
    lines = lines if args.lines is None else max(0, args.lines)
    tails = [Tail(folder / f"{name}.log", _printer(f"{name}: " if args.worker is None else "")) for name in names]
    for tail in tails:
        tail.last(lines, unfinished=not args.follow)
    if args.follow:
        follow(tails)
    return 0


def _printer(prefix: str) -> Callable[[str], None]:
    return lambda line: print(prefix + line)
