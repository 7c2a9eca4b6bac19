"""scripts/fleet restart: every worker replaced in its place."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..converge import converge, roll
from ..manifest import Manifest
from ..tool import Tool
from ..upgrading import finish_earlier
from .base import add_parser

_EXAMPLES = """\
One worker after the other: the new process takes the place over when it is ready, only then the old one drains.
No key moves and no request fails. If a new one does not come up, the old one goes on and this ends with 1.

examples:
  scripts/fleet restart
  scripts/fleet restart limiter
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "restart", "replace the workers, one after the other", epilog=_EXAMPLES)
    parser.add_argument("service", metavar="SERVICE", nargs="?")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    with tool.change() as fleet:
        if args.service is not None:
            fleet.need_places(args.service)
        finish_earlier(fleet)
        converge(fleet)
        replaced = roll(fleet, args.service)
    if getattr(args, "json", False):
        print(json.dumps({"replaced": replaced}))
    else:
        print(f"replaced {', '.join(replaced)}")
    return 0
