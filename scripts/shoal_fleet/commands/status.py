"""scripts/fleet status."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from .. import overview
from ..errors import DONE, DRIFTED
from ..manifest import Manifest
from ..terminal import columns
from ..tool import Tool
from ..watching import Watch
from .base import add_parser, number

COLUMNS = """\
A worker is serving (ready and up in HAProxy), drained (by an operator), starting, draining, stopped or failed. Over
the interval: REQ/S answers per second, P50 and P99 of their times, STALL how late its loop was at most, HITS what a
cache answered without a fetch of its own. Now: FLIGHT requests not answered yet, WEIGHT in HAProxy, SHARE of the ring
while all are up. A - is not known: nothing was asked, or nobody answers. Columns that do not fit the terminal are left
out; --json has everything.
"""
_EXAMPLES = COLUMNS + """
The last line names the drift: where what runs is not what is wanted. Ends with 0 when it could look, whatever it saw,
also when no fleet is up; with --check it ends with 6 on drift, and 'scripts/fleet doctor' says what to do about it.

examples:
  scripts/fleet status
  scripts/fleet status --interval 0       at once, without what takes two looks
  scripts/fleet status --check > /dev/null || page somebody
  scripts/fleet status --json | jq '.workers[] | select(.state != "serving")'
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "status", "show what runs, and what it does", epilog=_EXAMPLES)
    parser.add_argument("--check", action="store_true", help="end with 6 when what runs is not what is wanted")
    parser.add_argument("--interval", metavar="SECONDS", type=number(0, 3600), default=1.0,
                        help="over which rates and times are taken (default: 1)")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    watch = Watch(tool)
    if args.interval and watch.begin():
        tool.terminal.progress(f"looking at what it does for {args.interval:g} s")
        time.sleep(args.interval)
    seen = watch.see()
    tool.terminal.clear()
    if getattr(args, "json", False):
        print(json.dumps(seen, indent=2))
    else:
        for line in overview.lines(seen, columns()):
            print(overview.coloured(line))
    return DRIFTED if args.check and seen["drift"] else DONE
