"""The whole terminal for one text that is drawn again and again, and given back however that ends."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import textwrap
import time
import tty
from types import FrameType, TracebackType
from typing import Callable, Sequence

# Alternate screen, no cursor; and back.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _REST = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """From `with` to its end. Keys are not shown meanwhile; Ctrl-C and Ctrl-Z are signals as ever."""

    def __init__(self) -> None:
        self._keys = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._modes = None if self._keys is None else (self._keys, termios.tcgetattr(self._keys))
        self._shown: tuple[Callable[[int], Sequence[str]], Callable[[str], str]] | None = None

    def __enter__(self) -> "Screen":
        try:
            for number, react in ((signal.SIGTSTP, self._suspend), (signal.SIGWINCH, self._again)):
                signal.signal(number, react)
            self._take()
        except BaseException:
            self._give_back()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._shown = None
        self._give_back()
        for number in (signal.SIGTSTP, signal.SIGWINCH):
            signal.signal(number, signal.SIG_DFL)

    def _take(self) -> None:
        if self._modes is not None:
            tty.setcbreak(self._modes[0])
        _write(_ENTER)

    def _give_back(self) -> None:
        """Whole, however often somebody presses Ctrl-C."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        try:
            _write(_LEAVE)
            if self._modes is not None:
                termios.tcsetattr(self._modes[0], termios.TCSADRAIN, self._modes[1])
        except (OSError, termios.error):
            pass  # the terminal itself is gone
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        """Stopped as any program is, and here again once it goes on."""
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._suspend)
        self._take()
        self._again(number, frame)

    def _again(self, number: int, frame: FrameType | None) -> None:
        if self._shown is not None:
            self.draw(*self._shown)

    def draw(self, text: Callable[[int], Sequence[str]], paint: Callable[[str], str] = str) -> None:
        """`text` is asked for lines for so many columns; `paint` may colour one, and not change its width."""
        self._shown = text, paint
        size = os.get_terminal_size(sys.stdout.fileno())
        # One that does not know its size says 0. In the last column, what clears the rest of a line clears a character.
        columns, rows = (size.columns or 80) - 1, size.lines or 24
        fitting = fit(text(columns), columns, rows)
        # Over what is there, and in one piece: so nothing flickers.
        _write(_HOME + "\n".join(paint(line) + _END_OF_LINE for line in fitting) + _REST)

    def wait(self, seconds: float) -> bool:
        """True when somebody wants to leave (q) before that."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._keys is None:
                time.sleep(left)
            elif select.select([self._keys], [], [], left)[0]:
                pressed = os.read(self._keys, 64)
                if not pressed:
                    self._keys = None
                elif b"q" in pressed.lower():
                    return True
        return False


def _write(text: str) -> None:
    # Not by way of the buffer, which a signal's handler must not use while it is in use.
    left = text.encode()
    while left:
        left = left[os.write(sys.stdout.fileno(), left):]


def fit(text: Sequence[str], columns: int, rows: int) -> list[str]:
    """At most so many lines of that width: the last is shown whole if it can be, before it as much as there is room."""
    *body, last = text
    end = textwrap.wrap(last, columns)[:max(1, rows - 2)] or [""]
    room = max(0, rows - len(end))
    if len(body) > room:
        more = len(body) - room + 1
        body = [*body[:room - 1], f"and {more} lines more: make the window higher"][:room]
    return [line[:columns] for line in body] + end
