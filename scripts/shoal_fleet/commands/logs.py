"""scripts/fleet logs."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import FleetError
from ..manifest import Manifest
from ..tool import Tool
from .base import add_parser

_EXAMPLES = """\
Beside the workers there are access (HAProxy's access log), haproxy, redis-state, supervisord, rotate, and redis-l2
where it runs.

examples:
  scripts/fleet logs                    the last lines of all, each with its name before it
  scripts/fleet logs limiter-1 -f
  scripts/fleet logs access -n 1000
"""
_CHUNK = 1 << 16


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
    logs = [_Log(folder / f"{name}.log", f"{name}: " if args.worker is None else "") for name in names]
    for log in logs:
        log.last(lines)
    while args.follow:
        sys.stdout.flush()
        for log in logs:
            log.more()
        time.sleep(0.2)
    return 0


class _Log:
    """One file, read on as it grows; begun again when it was truncated."""

    def __init__(self, path: Path, prefix: str) -> None:
        self._path, self._prefix = path, prefix
        self._position = 0

    def _open(self) -> BinaryIO:
        # The folder is the account's: a link in it may lead anywhere.
        return os.fdopen(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")

    def last(self, lines: int) -> None:
        with self._open() as file:
            end = file.seek(0, os.SEEK_END)
            found, start = b"", end
            while start > 0 and found.count(b"\n") <= lines:
                size = min(_CHUNK, start)
                start -= size
                file.seek(start)
                found = file.read(size) + found
            self._position = end
            self._print(found.splitlines()[-lines:] if lines else [])

    def more(self) -> None:
        try:
            with self._open() as file:
                if file.seek(0, os.SEEK_END) < self._position:
                    self._position = 0
                file.seek(self._position)
                found = file.read(_CHUNK)
        except FileNotFoundError:
            return
        whole = found[: found.rfind(b"\n") + 1]
        self._position += len(whole)
        self._print(whole.splitlines())

    def _print(self, lines: list[bytes]) -> None:
        for line in lines:
            print(self._prefix + line.decode("utf-8", "replace"))
