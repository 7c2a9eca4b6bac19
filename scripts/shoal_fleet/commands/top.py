"""scripts/fleet top."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from contextlib import ExitStack
from functools import partial
from typing import Any, Callable, Iterator, Mapping

from .. import overview
from ..errors import DONE
from ..manifest import Manifest
from ..screen import Screen
from ..terminal import columns, is_live
from ..tool import Tool
from ..watching import Watch
from . import status
from .base import add_parser, number

_EXAMPLES = status.COLUMNS + """
On a terminal q or Ctrl-C ends it. Elsewhere the tables follow each other; with --json, a line is what 'status --json'
has.

examples:
  scripts/fleet top
  scripts/fleet top -d 10 -n 6 > minute.txt
  scripts/fleet top --json | jq -c '[.workers[] | {name, requests_per_s, p99_ms}]'
"""
_FIRST_SECONDS = 1.0


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "top", "show it again and again", epilog=_EXAMPLES)
    parser.add_argument("-d", "--delay", metavar="SECONDS", type=number(0.1, 3600), default=2.0,
                        help="between two looks (default: 2)")
    parser.add_argument("-n", "--count", metavar="N", type=number(1, 1_000_000, int),
                        help="end after so many (default: go on)")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    # What is stopped here is looking, which leaves nothing half done.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            wait: Callable[[float], bool] = _sleep
            show: Callable[[Mapping[str, Any]], None] = _print_page
            if getattr(args, "json", False):
                show = _print_json
            elif is_live(sys.stdout):
                screen = stack.enter_context(Screen())
                wait, show = screen.wait, lambda seen: screen.draw(partial(_page, seen), overview.coloured)
            for seen in _looks(Watch(tool), args.delay, args.count, wait):
                show(seen)
    except KeyboardInterrupt:
        pass
    return DONE


def _looks(watch: Watch, delay: float, count: int | None, wait: Callable[[float], bool]) -> Iterator[dict[str, Any]]:
    """Until `wait` says that it is enough. The first one comes soon; a look takes a part of the delay."""
    watch.begin()
    due = time.monotonic() + min(delay, _FIRST_SECONDS)
    shown = 0
    while shown != count and not wait(due - time.monotonic()):
        due = time.monotonic() + delay
        yield watch.see()
        shown += 1


def _sleep(seconds: float) -> bool:
    time.sleep(max(0.0, seconds))
    return False


def _page(seen: Mapping[str, Any], width: int) -> list[str]:
    return [f"{time.strftime('%F %T')}  {seen['home']}", "", *overview.lines(seen, width)]


def _print_page(seen: Mapping[str, Any]) -> None:
    print(*_page(seen, columns()), "", sep="\n", flush=True)


def _print_json(seen: Mapping[str, Any]) -> None:
    print(json.dumps(seen), flush=True)
