"""Progress for people on stderr, results on stdout. Colours only on a terminal, and not with NO_COLOR."""

from __future__ import annotations

import os
import sys
import time
from typing import Sequence, TextIO

_COLOURS = {"green": "32", "red": "31", "yellow": "33", "dim": "2", "bold": "1"}

_LOG_SECONDS = 5.0


def use_colour(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    if not use_colour(stream or sys.stdout):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


class Terminal:
    """One line per step; on a terminal a step's line is rewritten while it goes on."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._open = False
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._quiet:
            return
        self._clear()
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
        self._clear()
        print(f"{paint('fleet:', 'red', sys.stderr)} {message}", file=sys.stderr)
        if hint:
            print(f"  {hint}", file=sys.stderr)

    def _clear(self) -> None:
        if self._open:
            sys.stderr.write("\r\x1b[K")
            self._open = False


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns, two blanks apart."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
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
