"""Progress for people on stderr, results on stdout. Colours only on a terminal, and not with NO_COLOR."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import Collection, Sequence, TextIO

_COLOURS = {"green": "32", "red": "31", "yellow": "33", "dim": "2", "bold": "1"}

_LOG_SECONDS = 5.0
_WIDE = 1000


def is_live(stream: TextIO) -> bool:
    """Whether what is written there can be rewritten."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def use_colour(stream: TextIO) -> bool:
    return is_live(stream) and not os.environ.get("NO_COLOR")


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    if not use_colour(stream or sys.stdout):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


class Terminal:
    """One line per step; on a terminal a step's line is rewritten while it goes on."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live = is_live(sys.stderr)
        self._open = False
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._quiet:
            return
        self.clear()
        self._last = time.monotonic()
        print(text, file=sys.stderr, flush=True)

    def progress(self, text: str) -> None:
        """What is being waited for: on a terminal the next line replaces it, a log gets one now and then."""
        if self._quiet:
            return
        if not self._live:
            if time.monotonic() - self._last > _LOG_SECONDS:
                self.say(text)
            return
        # A terminal that does not know its size says 0.
        width = (os.get_terminal_size(sys.stderr.fileno()).columns or 80) - 1
        sys.stderr.write("\r\x1b[K" + text[:width])
        sys.stderr.flush()
        self._open = True

    def error(self, message: str, hint: str = "") -> None:
        self.clear()
        print(f"{paint('fleet:', 'red', sys.stderr)} {message}", file=sys.stderr)
        if hint:
            print(f"  {hint}", file=sys.stderr)

    def clear(self) -> None:
        """Takes the line of progress away, before something else is printed."""
        if self._open:
            sys.stderr.write("\r\x1b[K")
            self._open = False


def columns() -> int:
    """For results: what is no terminal is as wide as they need, unless $COLUMNS says otherwise, as watch(1) does."""
    return shutil.get_terminal_size((_WIDE, 1)).columns


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str] = ()) -> str:
    """Columns two blanks apart, left-aligned but for those whose headers are in `right`."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.rjust(width) if name in right else cell.ljust(width)
                  for name, cell, width in zip(header, line, widths)).rstrip() for line in lines
    )


def duration(seconds: float) -> str:
    """As 59s, 3m12s, 2h05m, 4d03h."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"
